using Akka.Actor;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

using Xunit;

namespace SplitFrozen.Actors.Tests.Allocation;

/// <summary>Layers come from the policy of the configuration, and from what devices reported last.</summary>
public sealed class AllocatorActorSpecs : Akka.TestKit.Xunit2.TestKit
{
    [Theory]
    [InlineData("proportional", 6, 2)]
    [InlineData("manual", 3, 2)]
    public async Task Should_ask_the_policy_that_the_settings_name(string policy, int phone, int board)
    {
        var allocator = Allocator(policy);

        var allocated = await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance);

        Assert.Equal(1, allocated.Epoch.Value);
        Assert.Equal([("board", board), ("phone", phone)], allocated.Assignments.Select(a => (a.Device.Value, a.Layers)));
    }

    [Fact]
    public async Task Should_go_by_what_a_device_reported_last()
    {
        var allocator = Allocator("proportional");
        allocator.Tell(new DeviceEvents.Heartbeat(new DeviceId("board"), new Incarnation(1), new Capacity(900, 1 << 30), default));

        var allocated = await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance);

        Assert.Equal([6, 6], allocated.Assignments.Select(a => a.Layers));
    }

    [Fact]
    public async Task Should_give_no_device_more_than_its_memory_holds()
    {
        var allocator = Allocator("proportional");
        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(new DeviceId("phone"), "a", new Capacity(900, 2500)), 10));

        var allocated = await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance);

        Assert.Equal([2, 2], allocated.Assignments.Select(a => a.Layers));
        Assert.Contains("memory", allocated.Assignments[1].Reason, StringComparison.Ordinal);
    }

    private IActorRef Allocator(string policy)
    {
        var settings = new AllocationSettings(policy, 1, 0.1, TimeSpan.Zero, 1, 0.5, new Dictionary<string, int> { ["phone"] = 3 });
        var allocator = Sys.ActorOf(Props.Create(() => new AllocatorActor(new AllocationSetting(
            PolicyLoader.Load(settings), settings, 6, new WorkSizes(20, 512, 1000)))));
        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(new DeviceId("phone"), "a", new Capacity(900, 1 << 30)), 10));
        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(new DeviceId("board"), "b", new Capacity(300, 1 << 30)), 10));
        return allocator;
    }
}
