using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;
using SplitFrozen.Protocol;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Training;

/// <summary>What stays the same over many steps.</summary>
public sealed class LongRunSpecs
{
    [Theory(DisplayName = "As many native tensors live after 200 steps as after 10")]
    [InlineData(ModelFamily.Gpt2, TaskKind.Classification)]
    [InlineData(ModelFamily.Gpt2, TaskKind.LanguageModel)]
    [InlineData(ModelFamily.Llama, TaskKind.Classification)]
    [InlineData(ModelFamily.Llama, TaskKind.LanguageModel)]
    public void Should_not_leak(ModelFamily family, TaskKind task)
    {
        using var random = new RandomCase(family, 11, dropout: 0.1, task);
        ActivationBatch[] batches = [random.Batch(0), random.Batch(1)];
        using var chain = random.Stages(2);
        using var frozen = random.Model.LoadFrozen(random.Spec.Cut);
        Train(10);
        long after10 = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Train(190);
        Assert.Equal(after10, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Train(int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                Samples.Embed(frozen, [[1, 2, 3], [4, 5]], random.Spec.Cut);
                chain.Forward(0, step, batches[0]);
                chain.Forward(1, step, batches[1]);
                chain.BackwardInput(0);
                chain.BackwardInput(1);
                chain.BackwardWeights(0);
                chain.BackwardWeights(1);
                chain.Step(1e-3, 2);
                chain.Evaluate(batches[0]);
            }
        }
    }

    [Theory(DisplayName = "Training changes no frozen weight and no frozen output")]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Llama)]
    public void Should_leave_frozen_weights(ModelFamily family)
    {
        using var random = new RandomCase(family, 12, dropout: 0.1);
        var files = ModelFiles.Find(random.Model.Name);
        var architecture = Architecture.Read(files);
        var weights = WeightStore.Open(files, architecture, CPU);
        var parts = TrainerParts.Load(architecture, weights, random.Spec, "frozen", CPU);
        using var stage = new TrainerStage(architecture, random.Spec, parts, CPU);
        float[] before = Frozen(parts);
        float[] start = [.. stage.Trainables.SelectMany(trainable => trainable.Value.Numbers())];
        for (int step = 0; step < 10; step++)
        {
            var score = stage.Forward(0, step, random.Batch(step));
            stage.BackwardInput(0);
            stage.BackwardWeights(0);
            stage.Step(1e-2, Math.Max(1, score.Targets));
        }

        Assert.Equal(before, Frozen(parts));
        Assert.NotEqual(start, stage.Trainables.SelectMany(trainable => trainable.Value.Numbers()));
    }

    private static float[] Frozen(TrainerParts parts) =>
        [.. parts.Blocks.SelectMany(block => block.parameters()).SelectMany(parameter => parameter.Numbers())];
}
