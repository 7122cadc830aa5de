using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>What a device may do now and then, and what it is put out for when it goes on.</summary>
[Collection(RunCollection.Name)]
public sealed class QuarantineSpecs
{
    [Theory(DisplayName = "Some damaged frames in a row change nothing; a device that sends no others is put out, by name and with the reason")]
    [InlineData(8, false)]
    [InlineData(10_000, true)]
    public async Task Should_not_put_up_with_damage_for_ever(int times, bool isPutOut)
    {
        var damaged = new FaultRule(FaultPoint.Channel, FaultKind.Corrupt, 2) { Device = SharedDevices.Id(1), Times = times };
        var run = TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(damaged) });
        if (!isPutOut)
        {
            (await run).ShouldHaveStruck().ShouldHoldInvariants();
            return;
        }

        var error = await Assert.ThrowsAsync<FaultRunException>(() => run);
        Assert.Matches("The server refused device device-1: what it sent was refused 3 times.*checksum", error.Message);
    }

    [Fact(DisplayName = "A node that sends too many control messages for seconds is put out and reported, with the key of the limit")]
    public async Task Should_put_out_a_flood()
    {
        var reported = new List<RunEvent>();
        var slow = new FaultRule(FaultPoint.Device, FaultKind.SlowDown, 12) { Device = SharedDevices.Id(1), For = TimeSpan.FromSeconds(30) };
        var error = await Assert.ThrowsAsync<FaultRunException>(() => TestCluster.RunAsync(new TestClusterOptions
        {
            Faults = FaultPlan.Script(slow),
            Settings = ["splitfrozen.device.heartbeat-interval=10ms", "splitfrozen.security.limits.messages-per-second=10"],
            OnEvent = e =>
            {
                lock (reported)
                {
                    reported.Add(e);
                }
            },
        }));

        Assert.Contains("its node's messages were refused 3 times", error.Message, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.security.limits.messages-per-second", error.Message, StringComparison.Ordinal);
        Assert.Contains(reported.OfType<RunEvent.ControlRefused>(), r => r.Count == 1);
        Assert.Equal(2, Assert.Single(reported.OfType<RunEvent.NodeQuarantined>()).Devices.Count);
    }

    [Fact(DisplayName = "The same messages within the default limits are no trouble")]
    public async Task Should_not_hinder_the_honest()
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions { Devices = 3, Settings = ["splitfrozen.device.heartbeat-interval=10ms"] });

        Assert.Empty(run.Events.OfType<RunEvent.ControlRefused>());
        run.ShouldHoldInvariants();
    }
}
