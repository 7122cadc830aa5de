using System.Text.Json;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Training;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Training steps recorded with Hugging Face peft.</summary>
internal static class ReferenceTrajectory
{
    private const string Prefix = "base_model.model.";

    /// <summary>The recorded batches at the frozen line.</summary>
    public static ActivationBatch[] Batches(JsonElement golden, IFrozenBlocks blocks, int cut) =>
        [.. golden.GetProperty("batches").EnumerateArray().Select(batch => Batch(batch, blocks, cut))];

    /// <summary>The token ids of a recorded batch.</summary>
    public static int[][] Ids(JsonElement batch) =>
        [.. batch.GetProperty("input_ids").EnumerateArray().Select(ids => ids.Ints())];

    /// <summary>Trains and compares each step's loss and gradient norm.</summary>
    public static void CheckSteps(JsonElement golden, TrainerStage stage, ActivationBatch[] batches, double rate, double tolerance)
    {
        double[] losses = golden.GetProperty("losses").Doubles();
        double[] norms = golden.GetProperty("grad_norms").Doubles();
        for (int step = 0; step < losses.Length; step++)
        {
            var score = stage.Forward(0, step, batches[step % batches.Length]);
            stage.BackwardInput(0);
            stage.BackwardWeights(0);
            double norm = stage.Step(rate, score.Targets);
            Near.Relative(losses[step], score.MeanLoss, tolerance, $"loss of step {step}");
            Near.Relative(norms[step], norm, tolerance, $"gradient norm of step {step}");
        }
    }

    /// <summary>Compares the change of each adapter tensor with the recorded one, to 1 % of the largest: Adam magnifies rounding where a gradient is near zero.</summary>
    public static void CheckAdapters(TrainerStage stage, string folder) => Changes(stage, folder, (name, expected, actual) =>
        Near.EqualToLargest(expected.Numbers(), actual.Numbers(), 1e-2, $"change of {name}"));

    /// <summary>Compares the change of each adapter tensor with the recorded one as a whole: the distance to the recorded change is within a share of that change's length (L2).</summary>
    public static void CheckAdapterDistances(TrainerStage stage, string folder, double share) => Changes(stage, folder, (name, expected, actual) =>
    {
        using var difference = actual.sub(expected);
        double distance = difference.norm().item<float>() / expected.norm().item<float>();
        Assert.True(distance <= share, $"change of {name}: distance {distance:E2} of its length, tolerance {share:E2}");
    });

    private static void Changes(TrainerStage stage, string folder, Action<string, Tensor, Tensor> check)
    {
        var start = SafetensorsFile.Open(Path.Combine(folder, "start", "adapter_model.safetensors"));
        var end = SafetensorsFile.Open(Path.Combine(folder, "end", "adapter_model.safetensors"));
        foreach (var trainable in stage.Trainables)
        {
            using var first = start.Read(start.Entries[Prefix + trainable.Name]);
            using var last = end.Read(end.Entries[Prefix + trainable.Name]);
            using var expected = last.sub(first);
            using var actual = trainable.Value.sub(first);
            check(trainable.Name, expected, actual);
        }
    }

    private static ActivationBatch Batch(JsonElement batch, IFrozenBlocks blocks, int cut)
    {
        int[][] samples = Ids(batch);
        return batch.TryGetProperty("labels", out var labels) && labels.ValueKind == JsonValueKind.Array && labels[0].ValueKind == JsonValueKind.Number
            ? Samples.Labelled(blocks, samples, cut, labels.Ints())
            : Samples.NextToken(blocks, samples, cut);
    }
}
