using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;

namespace SplitFrozen.Model.Tests.Blocks;

/// <summary>Frozen blocks: any split gives the same bits, nothing changes them, and only what is held is read.</summary>
public sealed class FrozenBlocksSpecs
{
    private static readonly int[][] _samples = [[1, 2, 3, 4, 5, 6, 7], [8], [9, 10, 11]];

    [Theory]
    [InlineData("gpt2-random", "model")]
    [InlineData("llama-random", "model")]
    [InlineData("llama3-rope-random", "model")]
    [InlineData("stories260k")]
    public void Should_give_the_same_bits_wherever_the_model_is_split(params string[] fixture)
    {
        var model = HuggingFaceModel.Open(Repository.Fixture(fixture));
        int layers = model.Shape.Layers;
        using var whole = model.LoadFrozen(layers);
        float[] expected = Samples.Embed(whole, _samples, layers);
        for (int at = 0; at <= layers; at++)
        {
            using var device = model.LoadFrozen(at);
            float[] rows = Samples.Embed(device, _samples, at);
            whole.Continue(rows, Samples.Lengths(_samples), at, layers, rows);
            Assert.Equal(expected, rows);
        }
    }

    [Theory]
    [InlineData("gpt2-random")]
    [InlineData("llama-random")]
    public void Should_not_change_while_the_rest_is_trained(string fixture)
    {
        string folder = Repository.Fixture(fixture, "classifier");
        byte[] file = File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
        var model = HuggingFaceModel.Open(folder);
        using var frozen = model.LoadFrozen(2);
        using var stage = model.LoadTrainer(Specs.Classify(labels: 5, cut: 2));
        float[] before = Samples.Embed(frozen, _samples, 2);
        var batch = Samples.Labelled(frozen, _samples, 2, [0, 3, 4]);
        double first = Train(stage, batch, steps: 20);

        Assert.True(stage.Evaluate(batch).MeanLoss < first / 2);
        Assert.Equal(before, Samples.Embed(frozen, _samples, 2));
        Assert.Equal(file, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
    }

    [Theory]
    [InlineData(WeightHolding.Expanded)]
    [InlineData(WeightHolding.AsStored)]
    public void Should_put_blocks_in_place_that_another_thread_has_read(WeightHolding holding)
    {
        var model = HuggingFaceModel.Open(Repository.Fixture("stories260k")).Holding(holding);
        using var whole = model.LoadFrozen(5);
        using var frozen = model.LoadFrozen(2);
        float[] before = Samples.Embed(frozen, _samples, 2);
        IDisposable? read = null;
        var reader = new Thread(() => read = frozen.Read(2, 5));
        reader.Start();
        Assert.Equal(before, Samples.Embed(frozen, _samples, 2));
        reader.Join();
        frozen.Append(read!);

        Assert.Equal(5, frozen.Blocks);
        Assert.Equal(Samples.Embed(whole, _samples, 5), Samples.Embed(frozen, _samples, 5));
        using var again = frozen.Read(3, 5);
        Assert.Throws<ArgumentException>(() => frozen.Append(again));
    }

    [Fact]
    public void Should_read_the_blocks_it_holds_and_no_others()
    {
        long[] read = [.. Enumerable.Range(0, 5).Select(BytesReadFor)];
        long block = read[1] - read[0];

        Assert.True(block > 0);
        Assert.All(Enumerable.Range(1, 4), blocks => Assert.Equal(block, read[blocks] - read[blocks - 1]));
    }

    [Fact]
    public void Should_not_read_frozen_blocks_for_the_trainer()
    {
        var (half, all) = (HuggingFaceModel.Open(Repository.TinyGpt2), HuggingFaceModel.Open(Repository.TinyGpt2));
        half.LoadTrainer(Specs.Classify(labels: 77, cut: 4)).Dispose();
        all.LoadTrainer(Specs.Classify(labels: 77, cut: 0)).Dispose();

        Assert.Equal(4 * (BytesReadFor(1) - BytesReadFor(0)), all.Weights.BytesRead - half.Weights.BytesRead);
    }

    [Fact]
    public void Should_load_and_drop_blocks_when_resized()
    {
        using var blocks = HuggingFaceModel.Open(Repository.TinyGpt2).LoadFrozen(1);
        long one = blocks.WeightBytes;
        float[] expected = Samples.Embed(blocks, _samples, 1);

        blocks.Resize(3);
        long three = blocks.WeightBytes;
        blocks.Resize(1);

        Assert.Equal((1, one), (blocks.Blocks, blocks.WeightBytes));
        Assert.True(three > one);
        Assert.Equal(expected, Samples.Embed(blocks, _samples, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Samples.Embed(blocks, _samples, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => blocks.Resize(9));
    }

    private static long BytesReadFor(int blocks)
    {
        var model = HuggingFaceModel.Open(Repository.TinyGpt2);
        model.LoadFrozen(blocks).Dispose();
        return model.Weights.BytesRead;
    }

    /// <returns>The first step's loss.</returns>
    private static double Train(ITrainerStage stage, ActivationBatch batch, int steps)
    {
        double first = 0;
        for (int step = 0; step < steps; step++)
        {
            var score = stage.Forward(0, step, batch);
            stage.BackwardInput(0);
            stage.BackwardWeights(0);
            stage.Step(1e-2, score.Targets);
            first = step == 0 ? score.MeanLoss : first;
        }

        return first;
    }
}
