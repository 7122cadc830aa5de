using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>Time-outs of minutes and hours, in controlled time.</summary>
[Collection(RunCollection.Name)]
public sealed class TimeOutSpecs
{
    private const string SeldomHeard = "splitfrozen.device.heartbeat-interval=5s";

    [Theory(DisplayName = "A device that returns before lost-after is over loses nothing, and one that comes later is struck and listed")]
    [InlineData(9, 0)]
    [InlineData(11, 1)]
    public async Task Should_wait_for_a_device(int minutes, int struck)
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions
        {
            Faults = FaultPlan.Script(new FaultRule(FaultPoint.Device, FaultKind.Crash, 6) { Device = SharedDevices.Id(1), For = TimeSpan.FromMinutes(minutes) }),
            Settings = [SeldomHeard],
        });

        run.ShouldHaveStruck();
        Assert.True(run.Elapsed >= TimeSpan.FromMinutes(9), $"the run ended after {run.Elapsed}, before the device could be back");
        Assert.Equal(struck, run.Summary.Struck.Select(s => s.Device).Distinct().Count());
        if (struck == 0)
        {
            run.ShouldHoldInvariants();
        }
        else
        {
            Assert.Throws<FaultRunException>(() => run.ShouldBeExactlyOnce());
            Assert.Contains(run.Events.OfType<RunEvent.DeviceProblem>(), p => p.Problem.Contains("are struck from epoch 1", StringComparison.Ordinal));
        }
    }

    [Fact(DisplayName = "A run that comes to a halt is told so, however long its own time-outs are")]
    public async Task Should_notice_a_halt()
    {
        var gone = new FaultRule(FaultPoint.Device, FaultKind.Crash, 6) { Device = SharedDevices.Id(1), For = TimeSpan.FromHours(20) };
        var error = await Assert.ThrowsAsync<FaultRunException>(() => TestCluster.RunAsync(
            new TestClusterOptions { Faults = FaultPlan.Script(gone), Settings = [SeldomHeard, "splitfrozen.device.lost-after=24h"], Limit = TimeSpan.FromMinutes(20) }));

        Assert.Contains("came to a halt", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Training that waits for a device raises its alarm by the same clock")]
    public async Task Should_raise_the_alarm()
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions
        {
            Faults = FaultPlan.Script(new FaultRule(FaultPoint.Device, FaultKind.SlowDown, 12) { Device = SharedDevices.Id(1), For = TimeSpan.FromSeconds(40) }),
            Settings = ["splitfrozen.allocation.wait-alarm=30s"],
        });

        run.ShouldHaveStruck().ShouldHoldInvariants();
        Assert.Contains(run.Events.OfType<RunEvent.TrainingWaits>(), w => w.Device == SharedDevices.Id(1) && w.WaitedSeconds >= 30);
    }
}
