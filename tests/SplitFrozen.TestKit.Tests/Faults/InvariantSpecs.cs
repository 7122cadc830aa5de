using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Data;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>The invariants under each fault, one at a time.</summary>
[Collection(RunCollection.Name)]
public sealed class InvariantSpecs
{
    /// <summary>Faults in the middle of a run, and what they are told by.</summary>
    public static IEnumerable<object[]> Faults => FaultRule.Supported.Select(f => new object[] { f.Point, f.Kind });

    [Theory(DisplayName = "A run ends as if there had been no fault")]
    [MemberData(nameof(Faults))]
    public async Task Should_hold_under(FaultPoint point, FaultKind kind)
    {
        var rule = new FaultRule(point, kind, point switch { FaultPoint.ToServer => 1, FaultPoint.Server => 5, _ => 4 })
        {
            Device = point == FaultPoint.Server ? null : SharedDevices.Id(1),
            For = TimeSpan.FromMilliseconds(120),
            Times = kind == FaultKind.SlowDown ? 4 : 1,
        };
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(rule) });

        run.ShouldHaveStruck().ShouldHoldInvariants();
        if (point == FaultPoint.Channel && kind is FaultKind.Duplicate or FaultKind.Reorder)
        {
            run.ShouldHaveRefused(FrameFault.OutOfSequence);
        }
        else if (kind == FaultKind.Corrupt)
        {
            _ = point == FaultPoint.Channel ? run.ShouldHaveRefused(FrameFault.BadChecksum) : run.ShouldHaveRefusedMessages();
        }
    }

    [Theory(DisplayName = "Each control message may be lost, come late, twice or in another order")]
    [InlineData(FaultPoint.ToServer, "Greeted")]
    [InlineData(FaultPoint.ToServer, "Prepared")]
    [InlineData(FaultPoint.ToServer, "LayersLoaded")]
    [InlineData(FaultPoint.ToDevice, "Welcome")]
    [InlineData(FaultPoint.ToDevice, "AssignLayers")]
    [InlineData(FaultPoint.ToDevice, "Grant")]
    [InlineData(FaultPoint.ToDevice, "ReturnCredits")]
    [InlineData(FaultPoint.ToDevice, "Finish")]
    public async Task Should_not_depend_on_a_message(FaultPoint point, string message)
    {
        FaultKind[] kinds = message == "Finish" ? [FaultKind.Drop] : [FaultKind.Drop, FaultKind.Delay, FaultKind.Duplicate, FaultKind.Reorder];
        var rules = kinds.Select((kind, i) => new FaultRule(point, kind, 0) { Device = SharedDevices.Id(i % 2), Message = message }).ToArray();
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(rules) });

        Assert.NotEmpty(run.Struck);
        run.ShouldHoldInvariants();
    }

    [Fact(DisplayName = "A server that crashes before its first checkpoint, and again and again after, ends like one that never did")]
    public async Task Should_survive_crashes_of_the_server()
    {
        FaultRule[] crashes = [.. new[] { 0, 3, 9 }.Select(at => new FaultRule(FaultPoint.Server, FaultKind.Crash, at))];
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(crashes) });

        Assert.Equal(2, run.Summary.Resumes);
        run.ShouldHaveStruck().ShouldHoldInvariants();
    }
}
