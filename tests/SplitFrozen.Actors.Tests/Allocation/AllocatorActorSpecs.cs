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
        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(new DeviceId("phone"), "a", new Capacity(900, 1500)), 10));

        var allocated = await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance);

        Assert.Equal([2, 2], allocated.Assignments.Select(a => a.Layers));
        Assert.Contains("memory", allocated.Assignments[1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_tell_of_changes_while_training_and_of_nothing_else()
    {
        var allocator = Allocator("proportional", TimeSpan.FromMilliseconds(10));
        Assert.Equal(["6", "2"], (await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance)).Assignments.OrderByDescending(a => a.Layers).Select(a => $"{a.Layers}"));
        allocator.Tell(AllocatorActor.Allocate.Instance, TestActor);
        Assert.Equal(2, ExpectMsg<AllocatorActor.Allocated>().Epoch.Value);

        // Noise within the band is no reason; a device that became twice as fast is one.
        Beat(allocator, "board", 310, 1);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Beat(allocator, "board", 600, 1);

        var changed = ExpectMsg<AllocatorActor.Allocated>();
        Assert.Equal((3, 4), (changed.Epoch.Value, changed.Assignments.First(a => a.Device.Value == "board").Layers));
    }

    [Fact]
    public async Task Should_hold_changes_back_while_paused()
    {
        var allocator = Allocator("proportional", TimeSpan.FromMilliseconds(10));
        await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance);
        Assert.Equal(new AllocatorActor.PauseDone(false, true), await allocator.Ask<AllocatorActor.PauseDone>(new AllocatorActor.Pause(true)));
        allocator.Tell(AllocatorActor.Allocate.Instance, TestActor);
        ExpectMsg<AllocatorActor.Allocated>();
        Beat(allocator, "board", 600, 1);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Assert.Equal("reallocation is suspended", Assert.Single((await allocator.Ask<AllocationState>(AllocatorActor.ReadState.Instance)).Postponed).Why);

        allocator.Tell(new AllocatorActor.Pause(false), ActorRefs.NoSender);
        Assert.Equal(4, ExpectMsg<AllocatorActor.Allocated>().Assignments.First(a => a.Device.Value == "board").Layers);
    }

    [Fact]
    public async Task Should_set_layers_when_an_operator_says_so()
    {
        var allocator = Allocator("proportional", TimeSpan.FromMilliseconds(10));
        allocator.Tell(AllocatorActor.Allocate.Instance, TestActor);
        ExpectMsg<AllocatorActor.Allocated>();
        var board = new DeviceId("board");

        var dry = await allocator.Ask<AllocatorActor.SetDone>(new AllocatorActor.SetLayers(board, 5, IsDryRun: true));
        Assert.Equal((2, 5), (dry.Before, dry.Layers));
        Assert.Equal(5, dry.Decision.Devices.First(d => d.Device == board).Layers);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));

        await allocator.Ask<AllocatorActor.SetDone>(new AllocatorActor.SetLayers(board, 5, IsDryRun: false));
        Assert.Equal(5, ExpectMsg<AllocatorActor.Allocated>().Assignments.First(a => a.Device == board).Layers);
        Beat(allocator, "board", 900, 2);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        await allocator.Ask<AllocatorActor.SetDone>(new AllocatorActor.SetLayers(board, null, IsDryRun: false));
        Assert.Equal(6, ExpectMsg<AllocatorActor.Allocated>().Assignments.First(a => a.Device == board).Layers);
    }

    [Theory]
    [InlineData("board", 0, "outside 1 to 6")]
    [InlineData("board", 7, "outside 1 to 6")]
    [InlineData("board", 4, "the 3 layers that the memory of node b holds")]
    [InlineData("tablet", 2, "There are board, phone")]
    [InlineData("phone", null, "were not set")]
    public async Task Should_refuse_what_cannot_be_set(string device, int? layers, string why)
    {
        var allocator = Allocator("proportional");
        await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance);
        allocator.Tell(new DeviceEvents.Heartbeat(new DeviceId("board"), new Incarnation(1), new Capacity(300, 1500), default) { Allocation = new AllocationEpoch(1) });

        var refused = await allocator.Ask<AllocatorActor.Refused>(new AllocatorActor.SetLayers(new DeviceId(device), layers, IsDryRun: false));

        Assert.Contains(why, refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_give_a_device_that_returns_to_its_node_what_it_had()
    {
        var allocator = Allocator("static");
        var board = new DeviceId("board");
        await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance);
        allocator.Tell(new AllocatorActor.Forget(board));
        Assert.Single((await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance)).Assignments);

        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(board, "b", new Capacity(800, 1 << 30)), 10));
        Assert.Equal(2, (await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance)).Assignments.First(a => a.Device == board).Layers);
        allocator.Tell(new AllocatorActor.Forget(board));
        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(board, "c", new Capacity(750, 1 << 30)), 10));
        Assert.Equal(5, (await allocator.Ask<AllocatorActor.Allocated>(AllocatorActor.Allocate.Instance)).Assignments.First(a => a.Device == board).Layers);
    }

    private static void Beat(IActorRef allocator, string device, double rate, int allocation) => allocator.Tell(
        new DeviceEvents.Heartbeat(new DeviceId(device), new Incarnation(1), new Capacity(rate, 1 << 30), default) { Allocation = new AllocationEpoch(allocation) });

    private IActorRef Allocator(string policy, TimeSpan? interval = null)
    {
        var settings = new AllocationSettings(policy, 1, 0.1, TimeSpan.Zero, 1, 0.5, new Dictionary<string, int> { ["phone"] = 3 }) { Interval = interval };
        var allocator = Sys.ActorOf(Props.Create(() => new AllocatorActor(new AllocationSetting(
            PolicyLoader.Load(settings), settings, 6, new WorkSizes(20, 512, 1000)))));
        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(new DeviceId("phone"), "a", new Capacity(900, 1 << 30)), 10));
        allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(new DeviceId("board"), "b", new Capacity(300, 1 << 30)), 10));
        return allocator;
    }
}
