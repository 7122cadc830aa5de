using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Simulation;

/// <summary>What any simulated run keeps, and what some runs must come to.</summary>
[Properties(Arbitrary = [typeof(MadeUp)])]
public sealed class FleetSimulatorSpecs
{
    [Property(MaxTest = 300)]
    public void Should_train_every_sample_once_an_epoch(FleetSpec spec)
    {
        var report = FleetSimulator.Run(spec);

        Assert.Equal(spec.Devices.Sum(d => d.Lengths.Length) * (long)spec.Training.Epochs, report.Coverage.Trained);
        Assert.True(report.Coverage.ExactlyOnce);
        Assert.Equal(0, report.Coverage.Missing);
        Assert.Equal(spec.Training.Epochs, report.Epochs.Count);
        Assert.Equal(report.TotalSeconds, report.Epochs.Sum(e => e.Seconds), 9);
    }

    [Property(MaxTest = 200)]
    public void Should_take_no_less_than_any_resource_is_busy(FleetSpec spec)
    {
        var report = FleetSimulator.Run(spec);

        Assert.All(report.Lanes, lane =>
        {
            Assert.True(lane.LongestBusySeconds <= report.TotalSeconds * (1 + 1e-9), $"{lane.Kind}: {lane.LongestBusySeconds} of {report.TotalSeconds} s");
            Assert.InRange(lane.BubbleShare, -1e-9, 1);
            Assert.InRange(lane.LeastBubbleShare, -1e-9, lane.MostBubbleShare + 1e-9);
        });
        Assert.Equal(report.Lanes.Max(l => l.LongestBusySeconds) / report.TotalSeconds, report.Bottleneck.BusyShare, 9);
    }

    [Property(MaxTest = 200)]
    public void Should_do_the_work_that_the_costs_say(FleetSpec spec)
    {
        var quiet = spec with { Faults = MadeUp.NoFaults, Nodes = [.. spec.Nodes.Select(n => n with { Changes = [] })] };

        var report = FleetSimulator.Run(quiet);

        // Frozen work is done once for each sample and block, on the device or as catch-up, wherever the allocation puts it.
        var device = report.Lanes.Single(l => l.Kind == "device");
        var catchUp = report.Lanes.Single(l => l.Kind == "catch_up");
        var all = spec.Training.Epochs * spec.Cut * spec.Devices.Sum(d => spec.Costs.FrozenBlock(d.Lengths));
        var fastest = spec.Nodes.Max(n => n.FlopsPerSecond);
        var slowest = spec.Nodes.Min(n => n.FlopsPerSecond);
        var onDevices = all - (catchUp.BusySeconds * spec.Server.FlopsPerSecond);
        Assert.InRange(device.BusySeconds, (onDevices / fastest) * (1 - 1e-9), (onDevices / slowest) * (1 + 1e-9));
    }

    [Property(MaxTest = 50)]
    public void Should_repeat_exactly(FleetSpec spec) => Assert.Equivalent(FleetSimulator.Run(spec), FleetSimulator.Run(spec), strict: true);

    [Property(MaxTest = 100)]
    public void Should_give_the_three_stage_formula_on_a_homogeneous_chain(PositiveInt units, PositiveInt device, PositiveInt link, PositiveInt server)
    {
        var (m, td, tt, ts) = (1 + (units.Get % 40), device.Get / 7.0, link.Get / 5.0, server.Get / 3.0);

        var report = FleetSimulator.Run(Chain(m, cut: 1, layers: 1, new MadeUp.Fixed(td, tt, ts / 2, ts / 3, ts / 6)));

        Assert.Equal(td + tt + ts + ((m - 1) * Math.Max(td, Math.Max(tt, ts))), report.TotalSeconds, 6);
    }

    [Property(MaxTest = 100)]
    public void Should_add_catch_up_as_a_stage_of_its_own(PositiveInt units, PositiveInt block, PositiveInt link, PositiveInt server)
    {
        var (m, t, tt, ts) = (1 + (units.Get % 40), block.Get / 7.0, link.Get / 5.0, server.Get / 3.0);

        var report = FleetSimulator.Run(Chain(m, cut: 5, layers: 3, new MadeUp.Fixed(t, tt, ts, 0, 0)));

        var slowest = new[] { 3 * t, tt, 2 * t, ts }.Max();
        Assert.Equal((5 * t) + tt + ts + ((m - 1) * slowest), report.TotalSeconds, 6);
    }

    [Fact]
    public void Should_wait_with_grants_for_the_window()
    {
        // One unit a batch, one batch a grant, one grant in flight: nothing overlaps.
        var chain = Chain(10, cut: 1, layers: 1, new MadeUp.Fixed(1, 2, 3, 0, 0));

        var report = FleetSimulator.Run(chain with { Pipeline = new PipelineSettings(1, 1, 1000, 1, ScheduleKind.ZbH1, 0) });

        Assert.Equal(10 * (1 + 2 + 3), report.TotalSeconds, 9);
    }

    [Fact]
    public void Should_wait_for_credits()
    {
        // With one credit a device begins a unit when the one before was placed, a round trip later.
        var chain = Chain(10, cut: 1, layers: 1, new MadeUp.Fixed(1, 2, 0.1, 0, 0));
        var far = chain with { Credits = 1, Nodes = [chain.Nodes[0] with { LatencySeconds = 0.5 }] };

        Assert.Equal(0.5 + (10 * (1 + 2 + 0.5)) + (9 * 0.5) + 0.1, FleetSimulator.Run(far).TotalSeconds, 9);
    }

    [Fact]
    public void Should_strike_the_samples_of_a_device_that_never_returns()
    {
        var fleet = Pair();

        var report = FleetSimulator.Run(fleet with { Faults = new FaultSpec([new NodeCrash(1, 2.5, null)], null, 10) });

        Assert.Equal((1, 0, 1), (report.Faults.Crashes, report.Faults.Rejoined, report.Faults.LostNodes));
        Assert.False(report.Coverage.ExactlyOnce);
        Assert.True(report.Coverage.Missing > 0);
        Assert.Equal(report.Coverage.Expected, report.Coverage.Trained + report.Coverage.Missing);
        Assert.Equal(report.Coverage.Missing, report.Epochs.Sum(e => (long)e.Missing));
        Assert.True(report.TotalSeconds >= 12.5);
    }

    [Fact]
    public void Should_lose_the_time_that_a_device_is_away_but_no_sample()
    {
        var quiet = FleetSimulator.Run(Pair());

        var report = FleetSimulator.Run(Pair() with { Faults = new FaultSpec([new NodeCrash(1, 2.5, 20)], null, 60) });

        Assert.True(report.Coverage.ExactlyOnce);
        Assert.True(report.TotalSeconds >= quiet.TotalSeconds + 10, $"{report.TotalSeconds} after {quiet.TotalSeconds} s without a crash");
        Assert.True(report.Traffic.UnitsRepeated > 0);
    }

    [Fact]
    public void Should_end_sooner_with_reallocation_where_a_device_slows_down()
    {
        var slows = Pair();
        slows = slows with { Nodes = [slows.Nodes[0], slows.Nodes[1] with { Changes = [new RateChange(5, 0.2, double.PositiveInfinity)] }] };

        var fixedLayers = FleetSimulator.Run(slows);
        var dynamic = FleetSimulator.Run(slows with { Allocation = slows.Allocation with { EverySeconds = 2 } });

        Assert.True(dynamic.LayerChanges > 0);
        Assert.True(dynamic.TotalSeconds < 0.7 * fixedLayers.TotalSeconds, $"{dynamic.TotalSeconds} against {fixedLayers.TotalSeconds} s");
    }

    [Fact]
    public void Should_draw_crashes_at_random_and_still_train_everything()
    {
        var report = FleetSimulator.Run(Pair() with { Faults = new FaultSpec([], new RandomCrashes(400, Distribution.Parse("--down", "uniform:0.5:3")), 60) });

        Assert.True(report.Faults.Crashes > 2);
        Assert.True(report.Coverage.ExactlyOnce);
    }

    /// <summary>One device whose every sample is a unit, a micro-batch and a global batch of its own, with room for all in flight.</summary>
    internal static FleetSpec Chain(int units, int cut, int layers, IWorkCosts costs) => new(
        [MadeUp.Node(0, 1, 1)], [new SimulatedDevice(new DeviceId("d0"), 0, [.. Enumerable.Repeat(1000, units)])], new SimulatedServer(1, 1, false, 0),
        costs, cut, MadeUp.Training(1, 1, 1), new PipelineSettings(1, 1000, 1000, 1, ScheduleKind.ZbH1, 0), 1000,
        new(MadeUp.Always(layers, 1), MadeUp.Settings, null), MadeUp.NoFaults);

    /// <summary>Two equal devices with 40 samples each.</summary>
    internal static FleetSpec Pair() => new(
        [MadeUp.Node(0, 1), MadeUp.Node(1, 1)],
        [.. Enumerable.Range(0, 2).Select(d => new SimulatedDevice(new DeviceId($"d{d}"), d, [.. Enumerable.Repeat(32, 40)]))],
        new SimulatedServer(20, 1, false, 0), new MadeUp.Fixed(0.2, 0, 0.01, 0.01, 0), 4, MadeUp.Training(2, 8, 4), new PipelineSettings(1, 3, 64, 1, ScheduleKind.ZbH1, 0), 4,
        new(new Domain.Allocation.ProportionalPolicy(), MadeUp.Settings, null), MadeUp.NoFaults);
}
