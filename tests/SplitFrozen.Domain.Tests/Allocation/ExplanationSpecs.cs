using FsCheck.Xunit;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Allocation;

/// <summary>Predicted times and alternatives, and what a trace would have done.</summary>
[Properties(Arbitrary = [typeof(Fleets)])]
public sealed class ExplanationSpecs
{
    [Property]
    public void Should_predict_for_an_alternative_what_that_allocation_is_then_predicted_to_take(AllocationInput input)
    {
        var measured = input with { Devices = [.. input.Devices.Select(d => d with { LayerTokensPerSecond = Math.Max(1, d.LayerTokensPerSecond) })] };
        var assignments = Allocator.Decide(new ProportionalPolicy(), measured);
        var decision = Allocator.Explain("proportional", measured, assignments);

        Assert.All(decision.Devices, device => Assert.All(device.Alternatives, alternative =>
        {
            var (low, high) = measured.Range(measured.Devices.Single(d => d.Device == device.Device));
            Assert.InRange(alternative.Layers, low, high);
            Assert.NotEqual(device.Layers, alternative.Layers);
            var other = Allocator.Explain("", measured, [.. assignments.Select(a => a.Device == device.Device ? a with { Layers = alternative.Layers } : a)]);
            Assert.Equal(other.SlowestSeconds, alternative.SlowestSeconds, 1e-9 * Math.Max(1, other.SlowestSeconds));
            Assert.Equal(other.Devices.Single(d => d.Device == device.Device).PredictedSeconds, alternative.PredictedSeconds, 12);
        }));
    }

    [Fact]
    public void Should_name_the_bottleneck_and_its_time()
    {
        var input = Fleets.Of(4, Fleets.Device(0, 1000), Fleets.Device(1, 10, samples: 100));

        var decision = Allocator.Explain("x", input, Allocator.Decide(new ManualPolicy(new Dictionary<string, int> { ["d1"] = 2 }), input));

        // 100 samples of 20 tokens through two blocks at 10 tokens a second.
        Assert.Equal(("n1", 400.0), (decision.Bottleneck, decision.SlowestSeconds));
        Assert.Equal(400.0, decision.Devices[1].PredictedSeconds);
    }

    [Fact]
    public void Should_count_a_slow_link_as_the_devices_time()
    {
        // 2,000 tokens of 3,072 bytes at 1,000 bytes a second.
        var input = Fleets.Of(4, Fleets.Device(0, 1000, link: 1000));

        Assert.Equal(6144, Allocator.Explain("x", input, Allocator.Decide(new ProportionalPolicy(), input)).SlowestSeconds);
    }

    [Fact]
    public void Should_replay_a_trace_and_beat_static_where_a_device_slows_down()
    {
        var trace = Enumerable.Range(0, 40).SelectMany(t => new[]
        {
            new CapacityObservation(t * 5, new DeviceId("a"), "a", 1000, null, null, 0, 100),
            new CapacityObservation(t * 5, new DeviceId("b"), "b", t < 10 ? 1000 : 333, null, null, 0, 100),
        }).ToList();
        var setting = new ReplaySetting(6, new WorkSizes(20, 3072, 0), new ServerMeasure(4000, 1e-4), 5);

        var report = TraceReplay.Run(trace, new ProportionalPolicy(), Fleets.Settings, setting);

        Assert.True(report.MeanSlowestSeconds < 0.8 * report.StaticMeanSlowestSeconds, $"{report.MeanSlowestSeconds} against {report.StaticMeanSlowestSeconds}");
        Assert.InRange(report.Changes, 1, 6);
        Assert.Equal(40, report.Rounds.Count);
        Assert.All(report.Rounds.Take(10), r => Assert.Equal(r.StaticSlowestSeconds, r.SlowestSeconds));
        Assert.Equal([6, 2], report.Final.Devices.Select(d => d.Layers));
    }
}
