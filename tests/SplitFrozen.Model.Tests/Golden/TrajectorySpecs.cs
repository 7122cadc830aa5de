using System.Text.Json;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;

namespace SplitFrozen.Model.Tests.Golden;

/// <summary>Training with adapters against trajectories made with Hugging Face peft: losses, gradient norms, first gradients, adapters at the end.</summary>
public sealed class TrajectorySpecs
{
    private const string Prefix = "base_model.model.";
    private const double Rounding = 1e-5;

    [Theory]
    [InlineData("gpt2-random")]
    [InlineData("llama-random")]
    [InlineData("llama3-rope-random")]
    public void Should_follow_the_reference_trajectory_of_classification(string name)
    {
        var spec = Specs.Classify(labels: 5, cut: Cut(name), targets: Targets(name));
        Follow(name, "classifier", "cls", spec, "logits_after");
    }

    [Theory]
    [InlineData("gpt2-random")]
    [InlineData("llama-random")]
    [InlineData("llama3-rope-random")]
    public void Should_follow_the_reference_trajectory_of_language_modelling(string name) =>
        Follow(name, "model", "lm", Specs.Language(Cut(name), targets: Targets(name)), "logits_after");

    [Fact]
    public void Should_follow_the_reference_trajectory_of_the_bundled_model()
    {
        var golden = Json.Read(Repository.Fixture("tiny-gpt2", "cls_lora.json"));
        var model = HuggingFaceModel.Open(Repository.TinyGpt2);
        using var blocks = model.LoadFrozen(4);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Classify(labels: 77, cut: 4, rank: 8, alpha: 16));
        stage.LoadAdapter(Repository.Fixture("tiny-gpt2", "cls_lora", "start"));
        ReferenceTrajectory.CheckSteps(golden, stage, ReferenceTrajectory.Batches(golden, blocks, 4), 1e-3, Rounding);
        ReferenceTrajectory.CheckAdapters(stage, Repository.Fixture("tiny-gpt2", "cls_lora"));
    }

    private static void Follow(string name, string modelFolder, string task, TrainerSpec spec, string logitsKey)
    {
        var golden = Json.Read(Repository.Fixture(name, $"{task}_trajectory.json"));
        var model = HuggingFaceModel.Open(Repository.Fixture(name, modelFolder));
        using var blocks = model.LoadFrozen(spec.Cut);
        using var stage = (TrainerStage)model.LoadTrainer(spec);
        string adapters = Repository.Fixture(name, $"{task}_adapter");
        stage.LoadAdapter(Path.Combine(adapters, "start"));
        var batches = ReferenceTrajectory.Batches(golden, blocks, spec.Cut);
        CheckFirstGradients(stage, batches[0], Path.Combine(adapters, "first_gradients.safetensors"));
        ReferenceTrajectory.CheckSteps(golden, stage, batches, golden.GetProperty("lr").GetDouble(), Rounding);
        ReferenceTrajectory.CheckAdapters(stage, adapters);
        CheckLogits(golden.GetProperty(logitsKey), stage, blocks, golden, spec.Cut);
    }

    private static int Cut(string name) => name == "llama3-rope-random" ? 1 : 2;

    private static string[] Targets(string name) => name == "llama3-rope-random"
        ? ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        : [];

    private static void CheckFirstGradients(TrainerStage stage, ActivationBatch batch, string path)
    {
        var score = stage.Forward(0, 0, batch);
        stage.BackwardInput(0);
        stage.BackwardWeights(0);
        var file = SafetensorsFile.Open(path);
        foreach (var trainable in stage.Trainables)
        {
            var entry = file.Entries.Values.Single(e => Plain(e.Name) == Prefix + trainable.Name);
            using var expected = file.Read(entry);
            using var actual = trainable.Gradient.div(score.Targets);
            Near.EqualToLargest(expected.Numbers(), actual.Numbers(), 2e-5, $"gradient of {trainable.Name}");
            trainable.Gradient.zero_();
        }
    }

    private static void CheckLogits(JsonElement expected, TrainerStage stage, IFrozenBlocks blocks, JsonElement golden, int cut)
    {
        int[][] samples = ReferenceTrajectory.Ids(golden.GetProperty("batches")[0]);
        bool classify = golden.GetProperty("batches")[0].GetProperty("labels").ValueKind == JsonValueKind.Array;
        var (rows, logits) = stage.Inspect(classify
            ? Samples.Labelled(blocks, samples, cut, new int[samples.Length])
            : Samples.LastTokenOnly(blocks, samples, cut));
        using (rows)
        using (logits)
        {
            float[] all = logits.Numbers();
            int classes = all.Length / samples.Length;
            // For language modelling the reference took the padded batch's last column: only the longest sample has a real token there.
            int longest = samples.Max(sample => sample.Length);
            for (int i = 0; i < samples.Length; i++)
            {
                if (!classify && samples[i].Length < longest)
                {
                    continue;
                }

                double[] wanted = expected[i].Doubles();
                Near.Equal(wanted, all.AsSpan(i * classes, wanted.Length), 2e-4, $"logits after training of sample {i}");
            }
        }
    }

    private static string Plain(string name) => name
        .Replace(".modules_to_save.default.", ".", StringComparison.Ordinal)
        .Replace(".default.weight", ".weight", StringComparison.Ordinal);
}
