using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Allocation;

using Xunit;

namespace SplitFrozen.Domain.Tests.Allocation;

/// <summary>Smoothed rates.</summary>
public sealed class CapacityEstimateSpecs
{
    [Property]
    public void Should_be_the_weighted_mean_that_adams_correction_gives(NormalFloat[] values, byte decay)
    {
        var beta = decay / 256.0;
        var average = values.Aggregate(new MovingAverage(beta), (a, v) => a.Add(v.Get));
        var weights = values.Select((_, i) => (1 - beta) * Math.Pow(beta, values.Length - 1 - i)).ToArray();

        if (values.Length == 0)
        {
            Assert.Null(average.Value);
            return;
        }

        var expected = values.Zip(weights, (v, w) => v.Get * w).Sum() / (1 - Math.Pow(beta, values.Length));
        var scale = values.Max(v => Math.Abs(v.Get));
        Assert.InRange(average.Value!.Value, expected - (1e-9 * scale), expected + (1e-9 * scale));
    }

    [Fact]
    public void Should_count_the_first_observation_in_full()
    {
        var estimate = new CapacityEstimate(0.9).Computed(layerTokens: 2048, seconds: 0.5).Sent(bytes: 1e6, seconds: 0.25);

        Assert.Equal(4096, estimate.LayerTokensPerSecond, 6);
        Assert.Equal(4e6, estimate.LinkBytesPerSecond!.Value, 3);
    }

    [Fact]
    public void Should_know_nothing_before_anything_was_done()
    {
        var estimate = new CapacityEstimate(0.9);

        Assert.Equal(0, estimate.LayerTokensPerSecond);
        Assert.Null(estimate.LinkBytesPerSecond);
    }

    [Fact]
    public void Should_come_down_when_a_device_becomes_slow()
    {
        var estimate = new CapacityEstimate(0.5).Computed(100, 1);
        for (var i = 0; i < 12; i++)
        {
            estimate = estimate.Computed(100, 3);
        }

        Assert.InRange(estimate.LayerTokensPerSecond, 33.3, 33.4);
    }

    [Fact]
    public void Should_refuse_what_is_no_measurement()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CapacityEstimate(0.5).Computed(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CapacityEstimate(0.5).Sent(1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MovingAverage(0.5).Add(double.NaN));
    }
}
