using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.TestKit.Tests;

/// <summary>Relaxed order: a device that is slow for a time is passed over, each sample is trained once all the same, and the record replays to the same bytes.</summary>
[Collection(RunCollection.Name)]
public sealed class RelaxedOrderSpecs
{
    private static readonly string[] Relaxed = ["splitfrozen.training.put-off-after=10ms", "splitfrozen.pipeline.window=4"];

    /// <summary>Some of the device's forward units take far longer than all of a run's others.</summary>
    private static readonly FaultRule Slow = new(FaultPoint.Device, FaultKind.SlowDown, At: 7)
    {
        Device = SharedDevices.Id(1),
        Times = 3,
        For = TimeSpan.FromMilliseconds(250),
    };

    [Fact(DisplayName = "A slow device is passed over within the window; each sample is trained once, and a replay gives the same losses and adapter bytes")]
    public async Task Should_pass_over_a_slow_device_and_replay()
    {
        var strict = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(Slow), Settings = ["splitfrozen.pipeline.window=4"] });
        var relaxed = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(Slow), Settings = Relaxed });
        var replay = await TestCluster.RunAsync(new TestClusterOptions { Replay = relaxed, Settings = ["splitfrozen.pipeline.window=4"] });

        strict.ShouldHaveStruck().ShouldHoldInvariants();
        relaxed.ShouldHaveStruck().ShouldBeExactlyOnce().ShouldStayWithinWindow().ShouldKeepOrder();
        Assert.NotEqual(Order(strict), Order(relaxed));
        var putOff = LedgerCheck.Of(relaxed.Ledger).Sum(e => e.PutOff);
        Assert.InRange(putOff, 1, relaxed.Summary.SamplesTrained / 2);
        Assert.Equal(relaxed.Ledger.OfType<LedgerRecord.Removed>().Sum(r => r.Samples.Count), relaxed.Events.OfType<RunEvent.StepDone>().Last().PutOff);
        Assert.Contains(relaxed.Summary.Remarks, r => r.Contains($"{putOff} samples were trained later than the plan has them", StringComparison.Ordinal));
        replay.ShouldBeExactlyOnce().ShouldMatch(relaxed).ShouldKeepOrder();
        Assert.Contains(replay.Summary.Remarks, r => r.StartsWith("The samples were trained in the order of", StringComparison.Ordinal));
    }

    [Fact(DisplayName = "Where nobody is late the run is that of strict order, bit for bit")]
    public async Task Should_be_strict_where_nobody_is_late()
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions { Settings = ["splitfrozen.training.put-off-after=1m"] });

        run.ShouldHoldInvariants();
        Assert.DoesNotContain(run.Ledger, r => r is LedgerRecord.Removed);
    }

    [Theory(DisplayName = "A relaxed run whose server crashes goes on from its checkpoint, in a narrower window too; the whole record replays, also to one that crashes")]
    [InlineData(3)]
    [InlineData(10)]
    public async Task Should_resume_and_replay(int at)
    {
        var crash = new FaultRule(FaultPoint.Server, FaultKind.Crash, at);
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(Slow, crash), Settings = Relaxed });
        var replay = await TestCluster.RunAsync(new TestClusterOptions { Replay = run, Faults = FaultPlan.Script(crash), Settings = ["splitfrozen.pipeline.window=1"] });

        Assert.Equal((1, 1), (run.Summary.Resumes, replay.Summary.Resumes));
        run.ShouldHaveStruck().ShouldBeExactlyOnce().ShouldKeepOrder();
        replay.ShouldBeExactlyOnce().ShouldMatch(run);
    }

    [Theory(DisplayName = "Under random faults too each sample is trained once, and the record replays")]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    public async Task Should_hold_under_random_faults(long seed)
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions { Devices = 3, Faults = FaultPlan.Random(seed, devices: 3, faults: 6), Settings = [.. Relaxed, "splitfrozen.training.put-off-after=0ms"] });
        var replay = await TestCluster.RunAsync(new TestClusterOptions { Devices = 3, Replay = run, Settings = ["splitfrozen.pipeline.window=4"] });

        run.ShouldBeExactlyOnce().ShouldStayWithinWindow();
        replay.ShouldBeExactlyOnce().ShouldMatch(run);
    }

    [Fact(DisplayName = "A replay with other devices than the record's is refused")]
    public async Task Should_refuse_other_devices()
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions());
        var error = await Assert.ThrowsAsync<FaultRunException>(() => TestCluster.RunAsync(new TestClusterOptions { Devices = 3, Replay = run }));

        Assert.Contains("Epoch 1 cannot be replayed", error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<Domain.Sampling.PlanSample> Order(TestRun run) => run.Ledger.OfType<LedgerRecord.Trained>().SelectMany(t => t.Samples);
}
