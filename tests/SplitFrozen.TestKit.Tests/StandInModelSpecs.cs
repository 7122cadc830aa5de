using System.Runtime.InteropServices;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.TestKit.Tests;

/// <summary>The stand-in keeps the contracts of the models it stands for.</summary>
public sealed class StandInModelSpecs : IDisposable
{
    private const int Cut = 2;
    private readonly StandInModel _model = new(layers: 4);
    private readonly string _folder = Directory.CreateTempSubdirectory("splitfrozen-standin-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory(DisplayName = "Blocks run in two places give the bits of one")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Should_split_anywhere(int at)
    {
        using var whole = _model.LoadFrozen(4);
        using var first = _model.LoadFrozen(at);
        int[] tokens = [1, 2, 3, 4, 5], lengths = [3, 2];
        var (expected, parts) = (new float[5 * whole.Width], new float[5 * whole.Width]);

        whole.Embed(tokens, lengths, 4, expected);
        first.Embed(tokens, lengths, at, parts);
        whole.Continue(parts, lengths, at, 4, parts);

        Assert.Equal(expected, parts);
    }

    [Fact(DisplayName = "A stage holds what it was resized to, and its memory grows and shrinks with it")]
    public void Should_resize()
    {
        using var blocks = _model.LoadFrozen(1);
        var small = blocks.WeightBytes;
        blocks.Resize(3);
        Assert.Equal(3, blocks.Blocks);
        Assert.True(blocks.WeightBytes > small);
        blocks.Resize(1);
        Assert.Equal((1, small), (blocks.Blocks, blocks.WeightBytes));
    }

    [Fact(DisplayName = "B and W give the gradients: a small step along them changes the loss by their squared norm")]
    public void Should_have_exact_gradients()
    {
        // Plain AdamW would hide the gradient's size: the norm that Step returns is compared with finite differences along the weights instead.
        var batch = Batch(8);
        using var stage = _model.LoadTrainer(Spec(clip: 0));
        Train(stage, batch, 1e-2);
        var score = stage.Forward(0, 1, batch);
        stage.BackwardInput(0);
        stage.BackwardWeights(0);
        var weights = stage.AdapterTensors();
        var norm = stage.Step(0, score.Targets);

        var squares = from tensor in weights
                      from index in Enumerable.Range(0, tensor.Bytes.Length / sizeof(double))
                      select Math.Pow(Difference(weights, tensor, index, batch), 2);
        Assert.Equal(norm, Math.Sqrt(squares.Sum()), 1e-5);
    }

    [Fact(DisplayName = "Micro-batches of any size and order add up to the same gradient")]
    public void Should_sum_over_micro_batches()
    {
        using var one = _model.LoadTrainer(Spec());
        using var many = _model.LoadTrainer(Spec());
        var samples = Enumerable.Range(0, 6).Select(i => Batch(1, i)).ToArray();
        var whole = new ActivationBatch(
            samples.SelectMany(s => s.Values.ToArray()).ToArray(), [.. samples.SelectMany(s => s.Lengths)], [.. samples.SelectMany(s => s.Targets)],
            [.. samples.SelectMany(s => s.SampleKeys)]);

        var norm = Train(one, whole, 1e-2);
        for (var i = samples.Length - 1; i >= 0; i--)
        {
            many.Forward(i, 0, samples[i]);
        }

        Assert.Equal(samples.Length, many.InFlight);
        for (var i = 0; i < samples.Length; i++)
        {
            many.BackwardInput(i);
            many.BackwardWeights(i);
        }

        Assert.Equal(norm, many.Step(1e-2, samples.Length), 1e-12);
    }

    [Fact(DisplayName = "F, B and W out of order, and a step in between, are refused")]
    public void Should_keep_the_order()
    {
        using var stage = _model.LoadTrainer(Spec());
        Assert.Throws<InvalidOperationException>(() => stage.BackwardInput(0));
        stage.Forward(0, 0, Batch(2));
        Assert.Throws<InvalidOperationException>(() => stage.Forward(0, 0, Batch(2)));
        Assert.Throws<InvalidOperationException>(() => stage.BackwardWeights(0));
        stage.BackwardInput(0);
        Assert.Throws<InvalidOperationException>(() => stage.BackwardInput(0));
        Assert.Throws<InvalidOperationException>(() => stage.Step(1e-3, 2));
        stage.BackwardWeights(0);
        Assert.Throws<InvalidOperationException>(() => stage.BackwardWeights(0));
        Assert.Equal(0, stage.InFlight);
    }

    [Fact(DisplayName = "Adapter and optimiser, saved and loaded, go on bit for bit")]
    public void Should_resume()
    {
        using var first = _model.LoadTrainer(Spec());
        using var second = _model.LoadTrainer(Spec());
        Train(first, Batch(8), 1e-2);
        first.SaveAdapter(_folder);
        first.SaveOptimizer(Path.Combine(_folder, "optimizer"));
        second.LoadAdapter(_folder);
        second.LoadOptimizer(Path.Combine(_folder, "optimizer"));

        Assert.Equal(Train(first, Batch(8, 3), 1e-2), Train(second, Batch(8, 3), 1e-2));
        Assert.Equal(first.Evaluate(Batch(8, 5)), second.Evaluate(Batch(8, 5)));
        Assert.Throws<UserErrorException>(() => second.LoadAdapter(Path.Combine(_folder, "nowhere")));
    }

    [Fact(DisplayName = "Its data is a function of the seed, with the labels it promises")]
    public void Should_make_data()
    {
        var (first, second, other) = (new StandInData(seed: 3), new StandInData(seed: 3), new StandInData(seed: 4));

        Assert.Equal(first.TrainLabels, second.TrainLabels);
        Assert.NotEqual(first.TrainLabels, other.TrainLabels);
        Assert.All(first.TrainLabels, l => Assert.InRange(l, 0, first.Labels.Count - 1));
        Assert.Equal(200, first.Rows(DataSplit.Train));
        Assert.Equal(0, first.Rows(DataSplit.Dev));
        Assert.Throws<UserErrorException>(() => first.Open(16, ["another"]));
    }

    /// <summary>The derivative of the mean loss with respect to one trained number, by central differences.</summary>
    private double Difference(IReadOnlyList<TensorData> weights, TensorData tensor, int index, ActivationBatch batch)
    {
        // Rows are rounded to single precision between blocks, as they are between stages: smaller steps would measure that.
        const double h = 1e-4;
        return (LossWith(weights, tensor, index, h, batch) - LossWith(weights, tensor, index, -h, batch)) / (2 * h);
    }

    private double LossWith(IReadOnlyList<TensorData> weights, TensorData tensor, int index, double change, ActivationBatch batch)
    {
        var bytes = tensor.Bytes.ToArray();
        MemoryMarshal.Cast<byte, double>(bytes.AsSpan())[index] += change;
        using var stage = _model.LoadTrainer(Spec());
        stage.SetAdapter([.. weights.Select(t => t == tensor ? t with { Bytes = bytes } : t)]);
        return stage.Evaluate(batch).MeanLoss;
    }

    private static double Train(ITrainerStage stage, ActivationBatch batch, double rate)
    {
        var score = stage.Forward(0, 0, batch);
        stage.BackwardInput(0);
        stage.BackwardWeights(0);
        return stage.Step(rate, score.Targets);
    }

    private ActivationBatch Batch(int samples, int first = 0)
    {
        using var frozen = _model.LoadFrozen(Cut);
        int[] tokens = [.. Enumerable.Range(first, samples * 2).Select(i => i * 7 % 32)];
        var lengths = Enumerable.Repeat(2, samples).ToArray();
        var values = new float[tokens.Length * frozen.Width];
        frozen.Embed(tokens, lengths, Cut, values);
        return new ActivationBatch(values, lengths, [.. Enumerable.Range(first, samples).Select(i => i % 4)], new long[samples]);
    }

    private static TrainerSpec Spec(double clip = 1) => new(TaskKind.Classification, 4, Cut, new LoraSpec(2, 4, 0, []), 0.01, clip, 7);
}
