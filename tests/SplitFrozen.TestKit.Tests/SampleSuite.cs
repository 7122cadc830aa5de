using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.TestKit.Tests;

/// <summary>A suite to begin with.</summary>
[Collection(RunCollection.Name)]
public sealed class SampleSuite : Akka.TestKit.Xunit2.TestKit
{
    [Fact(DisplayName = "A device that crashes and a frame that is damaged change nothing of the result")]
    public async Task Should_train_on_after_a_crash()
    {
        var plan = FaultPlan.Script(
            new FaultRule(FaultPoint.Device, FaultKind.Crash, At: 6) { Device = SharedDevices.Id(0) },
            new FaultRule(FaultPoint.Channel, FaultKind.Corrupt, At: 3) { Device = SharedDevices.Id(1) });
        var events = CreateTestProbe();
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = plan, OnEvent = e => events.Ref.Tell(e) });

        run.ShouldHaveStruck().ShouldBeExactlyOnce().ShouldMatchFaultFreeRun().ShouldStayWithinWindow().ShouldHaveRefused(FrameFault.BadChecksum);
        await events.FishForMessageAsync<RunEvent.DeviceProblem>(e => e.Device == SharedDevices.Id(0));
    }

    [Theory(DisplayName = "Whatever else goes wrong changes nothing either; a failure prints the seed that replays it")]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Should_hold_under_random_faults(long seed)
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions
        {
            Devices = 3,
            Faults = FaultPlan.Random(seed, devices: 3, faults: 5),
            Settings = ["splitfrozen.pipeline.window=3"],
        });

        run.ShouldHoldInvariants();
    }
}

/// <summary>Runs follow one another: each has the cores to itself.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RunCollection
{
    /// <summary>Its name.</summary>
    public const string Name = "runs";
}
