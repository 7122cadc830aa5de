using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Singleton;

using SplitFrozen.Actors.Baselines;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Devices;

/// <summary>
/// Keeps a device node: starts its frozen blocks and its device (pinned data) or takes its share of the sharded ones (shared data), and ends the
/// node when its devices have ended or the server has gone.
/// </summary>
internal sealed class DeviceNodeActor : ReceiveActor, IWithTimers
{
    /// <summary>The role of device nodes.</summary>
    internal const string Role = "device";

    /// <summary>Name of this actor below /user, by which the server reaches the node.</summary>
    internal const string Name = "device-node";

    private static readonly TimeSpan StartInterval = TimeSpan.FromSeconds(2);

    private readonly DeviceNodeOptions _options;
    private readonly Dictionary<DeviceId, IActorRef> _welcomed = [];
    private readonly HashSet<DeviceId> _ended = [];
    private IActorRef? _pinned;

    public DeviceNodeActor(DeviceNodeOptions options)
    {
        _options = options;
        Receive<StartShared>(m => StartAll(m.Region));
        Receive<DeviceWelcomed>(m =>
        {
            _options.Welcomed.TrySetResult();
            _welcomed[m.Device] = Sender;
        });
        Receive<DeviceEnded>(Ended);
        Receive<DeviceMoved>(m => _welcomed.Remove(m.Device));
        Receive<ClusterEvent.MemberUp>(ServerUp);
        Receive<ClusterEvent.MemberRemoved>(ServerRemoved);
        Receive<NodeCommands.Drain>(m => m.Node == _options.Profile.Name, _ => Depart());
        Receive<Leave>(_ => Depart());
        Receive<Terminated>(_ => End(null));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(error =>
    {
        End(error is ActorInitializationException { InnerException: { } inner } ? inner.GetBaseException() : error);
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        var cluster = Cluster.Get(Context.System);
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberRemoved));
        var gauge = new NodeGauge(
            _options.Smoothing, _options.Profile.MemoryBytes, MemoryCosts.BlockWeights(_options.Model.Shape, sizeof(float)));
        // A device that trains has a model of its own.
        var isTraining = TrainingMethods.HasTrainingDevices(_options.Method);
        var compute = isTraining ? ActorRefs.Nobody : Context.ActorOf(
            Props.Create(() => new FrozenComputeActor(_options.Model, _options.Profile, gauge)).WithDispatcher(ActorConfig.ComputeDispatcher), "compute");
        var server = Context.ActorOf(
            ClusterSingletonProxy.Props(ServerNode.SingletonManagerPath, ClusterSingletonProxySettings.Create(Context.System)
                .WithRole(ServerNode.Role).WithSingletonName(ServerNode.SingletonName)),
            "server");
        var node = new DeviceNode(_options.Profile.Name, _options.Pinned is not null, _options.Model, _options.Data, server, compute, gauge, Self, _options.Route)
        {
            KnowsStandby = _options.Cluster.Standby,
        };
        var turn = new NodeTurn(_options.Profile.GigaFlops);
        Props Entity(DeviceId device) => isTraining
            ? Props.Create(() => new BaselineDeviceActor(device, node, _options.Method, turn)) : Props.Create(() => new DeviceActor(device, node));
        if (_options.Pinned is { } id)
        {
            _pinned = Context.ActorOf(Entity(id), id.Value);
            return;
        }

        var region = ClusterSharding.Get(Context.System).Start(
            "devices", entity => Entity(new DeviceId(entity)),
            ClusterShardingSettings.Create(Context.System).WithRole(Role), new DeviceMessageExtractor(),
            new EvenAllocationStrategy(Math.Min(_options.ExpectedNodes, _options.SharedDevices)), DeviceActor.Leave.Instance);
        Timers.StartPeriodicTimer(nameof(StartShared), new StartShared(region), TimeSpan.Zero, StartInterval);
    }

    protected override void PostStop() => Cluster.Get(Context.System).Unsubscribe(Self);

    private void StartAll(IActorRef region)
    {
        for (var part = 0; part < _options.SharedDevices; part++)
        {
            region.Tell(new ShardRegion.StartEntity(SharedDevices.Id(part).Value));
        }
    }

    private void Ended(DeviceEnded ended)
    {
        Timers.Cancel(nameof(StartShared));
        _ended.Add(ended.Device);
        if (ended.Error is not null)
        {
            End(ended.Error);
        }
        else if (_ended.IsSupersetOf(_welcomed.Keys))
        {
            End(null);
        }
    }

    /// <summary>A node without devices of its own, as the others have them all, is no less in touch with the server.</summary>
    private void ServerUp(ClusterEvent.MemberUp up)
    {
        if (_pinned is null && up.Member.HasRole(ServerNode.Role))
        {
            _options.Welcomed.TrySetResult();
        }
    }

    /// <summary>Leaves before the run is over: a pinned device stops first, shared ones are handed over when the node leaves the cluster.</summary>
    private void Depart()
    {
        _options.IsDrained = true;
        Timers.CancelAll();
        if (_pinned is { } device)
        {
            Context.Watch(device);
            device.Tell(DeviceActor.Leave.Instance);
        }
        else
        {
            End(null);
        }
    }

    private void ServerRemoved(ClusterEvent.MemberRemoved removed)
    {
        switch (Successions.Of(Cluster.Get(Context.System).State, removed))
        {
            case Succession.ServerChanges:
                foreach (var device in _welcomed.Where(d => !_ended.Contains(d.Key)))
                {
                    device.Value.Tell(DeviceActor.ServerChanged.Instance);
                }

                return;
            case Succession.None:
                return;
        }

        End(removed.PreviousStatus == MemberStatus.Exiting
            ? null
            : new RunFailedException(RunFailure.ServerLost, $"The server on {removed.Member.Address} was lost. Start it again (splitfrozen server --resume)."));
    }

    private void End(Exception? error)
    {
        if (error is null)
        {
            _options.Done.TrySetResult();
        }
        else
        {
            _options.Done.TrySetException(error);
        }
    }

    /// <summary>A device of this node takes part.</summary>
    internal sealed record DeviceWelcomed(DeviceId Device) : ILocalMessage;

    /// <summary>A device of this node has ended.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Error">Why it could not go on, or null when the run is over.</param>
    internal sealed record DeviceEnded(DeviceId Device, Exception? Error) : ILocalMessage;

    /// <summary>A device has left this node before the run is over.</summary>
    internal sealed record DeviceMoved(DeviceId Device) : ILocalMessage;

    /// <summary>Leave in order.</summary>
    internal sealed record Leave : ILocalMessage
    {
        public static Leave Instance { get; } = new();
    }

    private sealed record StartShared(IActorRef Region) : ILocalMessage;
}
