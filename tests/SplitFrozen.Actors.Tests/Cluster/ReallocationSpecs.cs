using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Layers that change while training: nothing pauses, nothing is lost, and what is learned has the same bits.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ReallocationSpecs
{
    private static readonly string[] Often =
    [
        "splitfrozen.model.cut=3", "splitfrozen.training.epochs=6", "splitfrozen.allocation.interval=25ms", "splitfrozen.allocation.hysteresis=0",
        "splitfrozen.allocation.cool-down=0s", "splitfrozen.device.heartbeat-interval=20ms",
    ];

    [Theory(DisplayName = "A random schedule of layer changes gives the losses and the adapter of a run without any, and trains and sends each sample once")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Should_not_depend_on_live_changes(int seed)
    {
        DrawnPolicy.Restart(seed);
        using var run = new StandInRun(
            [.. Often, $"splitfrozen.allocation.policy=\"{typeof(DrawnPolicy).FullName}, {typeof(DrawnPolicy).Assembly.GetName().Name}\"",
                "splitfrozen.data.devices=3", "splitfrozen.nodes=[{ name = a, gigaflops = 0.004 }, { name = b, gigaflops = 0.002 }]"]);
        using var reference = new StandInRun([.. Often, "splitfrozen.data.devices=3"]);
        reference.InOneProcess();
        var summary = await run.OnClusterAsync();

        // Three devices get layers once at the start.
        var changes = run.Events.OfType<RunEvent.LayersAssigned>().Count() - 3;
        Assert.True(changes >= 10, $"seed {seed}: only {changes} changes happened while training");
        Assert.Equal(reference.Losses, run.Losses);
        Assert.Equal(reference.AdapterBytes(), run.AdapterBytes());
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        Assert.Equal(summary.SamplesExpected, summary.Devices.Sum(d => d.Forwarded));
        Assert.Empty(summary.ChannelRefusals);
    }

    [Fact(DisplayName = "A device whose rate falls to a third loses layers while training, and gets them back when it recovers")]
    public async Task Should_follow_a_device_that_slows_down()
    {
        using var run = new StandInRun(
            [.. Often, "splitfrozen.training.epochs=30",
                "splitfrozen.nodes=[{ name = steady, gigaflops = 0.006 }, { name = tired, gigaflops = 0.006, changes = [\"0.5s 0.002\", \"1.5s 0.006\"] }]"]);
        await run.OnClusterAsync();

        var tired = run.Events.OfType<RunEvent.DeviceJoined>().Single(d => d.Node == "tired").Device;
        var layers = run.Events.OfType<RunEvent.LayersAssigned>().Where(l => l.Device == tired).Select(l => l.Layers).ToList();
        Assert.Equal((3, 3), (layers[0], layers[^1]));
        Assert.Contains(1, layers);
        Assert.Contains(run.Events, e => e is RunEvent.CapacityMeasured { Node: "tired", Capacity: { LinkBytesPerSecond: > 0, FreeMemoryBytes: > 0 } });
    }

    [Fact(DisplayName = "Training that waits for one device raises an alarm with what was predicted and what was achieved")]
    public async Task Should_raise_an_alarm_over_a_slow_device()
    {
        using var run = new StandInRun(
            "splitfrozen.allocation.interval=off", "splitfrozen.allocation.wait-alarm=300ms", "splitfrozen.training.epochs=1",
            "splitfrozen.nodes=[{ name = quick, gigaflops = 1 }, { name = stuck, gigaflops = 0.002, changes = [\"0s 0.00005\", \"3s 0.01\"] }]");
        await run.OnClusterAsync();

        var stuck = run.Events.OfType<RunEvent.DeviceJoined>().Single(d => d.Node == "stuck").Device;
        var alarm = run.Events.OfType<RunEvent.TrainingWaits>().First(w => w.Node == "stuck");
        Assert.Equal(stuck, alarm.Device);
        Assert.True(alarm.WaitedSeconds >= 0.3 && alarm.AchievedSeconds >= alarm.WaitedSeconds && alarm.PredictedSeconds > 0, alarm.ToString());
    }
}

/// <summary>Draws each device's layers anew whenever it is asked.</summary>
public sealed class DrawnPolicy : IAllocationPolicy
{
    private static SeededRandom _random = SeededRandom.For(0, nameof(DrawnPolicy));

    public string Name => "drawn";

    public static void Restart(long seed) => _random = SeededRandom.For(seed, nameof(DrawnPolicy));

    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) =>
        [.. input.Devices.Select(d => new LayerAssignment(d.Device, 1 + _random.Below(input.Cut), "drawn"))];
}
