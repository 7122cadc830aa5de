using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Simulation;

/// <summary>Made-up fleets, the distributions that they are drawn from, and what work costs.</summary>
public sealed class FleetDrawSpecs
{
    private static readonly ProfileDistributions From = new(
        Distribution.Parse("--gigaflops", "lognormal:4:0.8"), Distribution.Parse("--link", "uniform:10:100"), Distribution.Parse("--latency", "5"),
        Distribution.Parse("--memory", "choice:64,128"), Distribution.Parse("--samples", "exponential:1"), Distribution.Parse("--length", "lognormal:20:0.5"));

    [Property(MaxTest = 50)]
    public void Should_spread_exactly_so_many_samples(PositiveInt devices, PositiveInt samples, int seed)
    {
        var nodes = FleetDraw.Nodes(devices.Get, From, seed);
        var drawn = FleetDraw.Devices(nodes, samples.Get, From, 64, seed);

        Assert.Equal(samples.Get, drawn.Sum(d => d.Lengths.Length));
        Assert.All(drawn, d => Assert.All(d.Lengths, l => Assert.InRange(l, 1, 64)));
        Assert.Equal(drawn.Select(d => d.Id).Order(), drawn.Select(d => d.Id));
        Assert.All(drawn, d => Assert.Equal(d.Id.Value, nodes[d.Node].Name));
    }

    [Fact]
    public void Should_begin_a_larger_fleet_with_the_smaller_ones_nodes() =>
        Assert.Equal(
            FleetDraw.Nodes(5, From, 3).Select(n => (n.FlopsPerSecond, n.LinkBytesPerSecond, n.LatencySeconds, n.MemoryBytes)),
            FleetDraw.Nodes(9, From, 3).Take(5).Select(n => (n.FlopsPerSecond, n.LinkBytesPerSecond, n.LatencySeconds, n.MemoryBytes)));

    [Theory]
    [InlineData("8", 8, 8)]
    [InlineData("uniform:2:16", 2, 16)]
    [InlineData("choice:1,4,8", 1, 8)]
    [InlineData("lognormal:4:0.5", 0.2, 80)]
    [InlineData("exponential:30", 0, 1000)]
    public void Should_draw_within_the_form(string text, double low, double high)
    {
        var random = SeededRandom.For(1, "draws");
        var values = Enumerable.Range(0, 2000).Select(_ => Distribution.Parse("--x", text).Draw(random)).ToList();

        Assert.All(values, v => Assert.InRange(v, low, high));
    }

    [Fact]
    public void Should_have_the_median_and_mean_that_the_form_names()
    {
        var random = SeededRandom.For(2, "draws");
        var (lognormal, exponential) = (Distribution.Parse("--x", "lognormal:4:0.8"), Distribution.Parse("--x", "exponential:30"));

        Assert.InRange(Enumerable.Range(0, 9999).Select(_ => lognormal.Draw(random)).Order().ElementAt(4999), 3.8, 4.2);
        Assert.InRange(Enumerable.Range(0, 9999).Average(_ => exponential.Draw(random)), 28, 32);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("uniform:9:2")]
    [InlineData("uniform:1")]
    [InlineData("lognormal:4")]
    [InlineData("choice:")]
    [InlineData("normal:1:2")]
    [InlineData("NaN")]
    public void Should_refuse_what_is_no_distribution(string text)
    {
        var error = Assert.Throws<UserErrorException>(() => Distribution.Parse("--gigaflops", text));

        Assert.Contains($"--gigaflops = {text}", error.Message, StringComparison.Ordinal);
        Assert.Contains("uniform:LOW:HIGH", error.Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 50)]
    public void Should_cost_what_the_formulas_say(PositiveInt[] lengths, bool isLanguageModel, byte drawn)
    {
        var shape = KnownShapes.Find(drawn % 2 == 0 ? "gpt2-small" : "smollm2-135m");
        var spec = MadeUp.Trainer(3, isLanguageModel ? TaskKind.LanguageModel : TaskKind.Classification);
        int[] samples = [.. lengths.Select(l => 1 + (l.Get % 128))];
        var stages = 1 + (drawn % 4);
        var costs = new ModelCosts(shape, spec, stages, ActivationCodec.Fp32);

        Near(LayerCosts.BlockForward(shape, samples), costs.FrozenBlock(samples));
        foreach (var (range, stage) in new BlockRange(3, shape.Layers).Cut(stages).Select((r, i) => (r, i)))
        {
            var expected = TrainingCosts.Stage(shape, spec with { Stage = range }, samples, isLanguageModel ? samples.Sum() : samples.Length);
            Near(expected.Forward, costs.Trainer(OperationKind.Forward, stage, samples));
            Near(expected.BackwardInput, costs.Trainer(OperationKind.BackwardInput, stage, samples));
            Near(expected.BackwardWeights, costs.Trainer(OperationKind.BackwardWeights, stage, samples));
        }

        static void Near(double expected, double actual) => Assert.Equal(expected, actual, 1e-9 * Math.Max(1, expected));
    }

    [Fact]
    public void Should_know_the_papers_unit()
    {
        // 16 samples of 128 tokens of 768 numbers in fp32 are 6 MiB.
        var costs = new ModelCosts(KnownShapes.Find("gpt2-small"), MadeUp.Trainer(3), 1, ActivationCodec.Fp32);

        Assert.InRange(costs.UnitBytes(16, 2048), 6 * 1024 * 1024, (6 * 1024 * 1024) + 1000);
    }

    [Fact]
    public void Should_refuse_a_shape_it_does_not_know() =>
        Assert.Contains("gpt2-small", Assert.Throws<UserErrorException>(() => KnownShapes.Find("gpt5")).Message, StringComparison.Ordinal);
}
