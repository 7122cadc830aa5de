using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Costs;

/// <summary>The cost model against the products that the real modules compute.</summary>
public sealed class CountedProductsSpecs : IDisposable
{
    private double _forward;
    private double _reverse;

    [Theory(DisplayName = "F, B and W of random shapes, adapters and lengths cost what the formulas say")]
    [InlineData(ModelFamily.Gpt2, TaskKind.Classification)]
    [InlineData(ModelFamily.Gpt2, TaskKind.LanguageModel)]
    [InlineData(ModelFamily.Llama, TaskKind.Classification)]
    [InlineData(ModelFamily.Llama, TaskKind.LanguageModel)]
    public void Should_count_training(ModelFamily family, TaskKind task)
    {
        for (long seed = 0; seed < 10; seed++)
        {
            using var random = new RandomCase(family, seed, task: task);
            var batch = random.Batch(0);
            using var chain = random.Stages(1 + random.Below(3));
            int targets = batch.Targets.Count(target => target != Target.Ignored);
            var expected = chain.Stages.Select(stage => TrainingCosts.Stage(
                random.Model.Shape, random.Spec with { Stage = stage.Blocks }, batch.Lengths, targets)).Aggregate((a, b) => a + b);

            Products.Count((forward, reverse) => (_forward, _reverse) = (_forward + forward, _reverse + reverse));
            var (forward, reverse) = Counted(() => chain.Forward(0, 0, batch));
            var (head, _) = Counted(() => chain.BackwardInput(0));
            var (weights, _) = Counted(() => chain.BackwardWeights(0));

            Assert.Equal(expected.Forward, forward);
            Assert.Equal(expected.BackwardInput, reverse + head);
            Assert.Equal(expected.BackwardWeights, weights);
        }
    }

    [Theory(DisplayName = "Frozen blocks cost what the formulas say")]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Llama)]
    public void Should_count_frozen_blocks(ModelFamily family)
    {
        using var random = new RandomCase(family, 3);
        using var frozen = random.Model.LoadFrozen(3);
        Products.Count((forward, reverse) => (_forward, _reverse) = (_forward + forward, _reverse + reverse));

        // Sixteen rows: fewer would be filled up to that, so that a sample's bits do not depend on its company.
        var (counted, reverse) = Counted(() => Samples.Embed(frozen, [[1, 2, 3], [4], [5, 6, 7, 8, 9], [1, 2, 3, 4], [5, 6, 7]], 3));

        Assert.Equal(3 * LayerCosts.BlockForward(random.Model.Shape, [3, 1, 5, 4, 3]), counted);
        Assert.Equal(0, reverse);
    }

    [Fact(DisplayName = "The first trained block of GPT-2 small, 16 samples of 128 tokens: 14.55 MFLOP a token, and the adapters")]
    public void Should_count_gpt2_small()
    {
        using var folder = new TestFolder();
        var shape = new ModelShape(ModelFamily.Gpt2, 2, 768, 12, 12, 64, 3072, 32, 128, true, 4);
        RandomModel.Write(folder.Path, shape, 1);
        using var stage = HuggingFaceModel.Open(folder.Path).LoadTrainer(Specs.Classify(2, 0, rank: 8) with { Stage = new BlockRange(0, 1) });
        float[] rows = new float[2048 * 768];
        var batch = new ActivationBatch(rows, [.. Enumerable.Repeat(128, 16)], [], new long[16]);
        Products.Count((forward, reverse) => (_forward, _reverse) = (_forward + forward, _reverse + reverse));
        var (counted, _) = Counted(() => stage.Forward(0, 0, batch, rows));

        Assert.Equal(14.549 + (2e-6 * 8 * 4 * 768), counted / 2048 / 1e6, 3);
    }

    public void Dispose() => Products.Count(null);

    private (double Forward, double Reverse) Counted(Action action)
    {
        (_forward, _reverse) = (0, 0);
        action();
        return (_forward, _reverse);
    }
}
