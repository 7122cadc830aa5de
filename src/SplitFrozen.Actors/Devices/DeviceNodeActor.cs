using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Singleton;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Devices;

/// <summary>
/// Keeps a device node: starts its frozen blocks and its device (pinned data) or takes its share of the sharded ones (shared data), and ends the
/// node when its devices have ended or the server has gone.
/// </summary>
internal sealed class DeviceNodeActor : ReceiveActor, IWithTimers
{
    /// <summary>The role of device nodes.</summary>
    internal const string Role = "device";

    private static readonly TimeSpan StartInterval = TimeSpan.FromSeconds(2);

    private readonly DeviceNodeOptions _options;
    private readonly HashSet<DeviceId> _welcomed = [];
    private readonly HashSet<DeviceId> _ended = [];

    public DeviceNodeActor(DeviceNodeOptions options)
    {
        _options = options;
        Receive<StartShared>(m => StartAll(m.Region));
        Receive<DeviceWelcomed>(m =>
        {
            _options.Welcomed.TrySetResult();
            _welcomed.Add(m.Device);
        });
        Receive<DeviceEnded>(Ended);
        Receive<ClusterEvent.MemberRemoved>(ServerRemoved);
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
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));
        var compute = Context.ActorOf(
            Props.Create(() => new FrozenComputeActor(_options.Model, _options.Profile)).WithDispatcher(ActorConfig.ComputeDispatcher), "compute");
        var server = Context.ActorOf(
            ClusterSingletonProxy.Props(ServerNode.SingletonManagerPath, ClusterSingletonProxySettings.Create(Context.System)
                .WithRole(ServerNode.Role).WithSingletonName(ServerNode.SingletonName)),
            "server");
        var node = new DeviceNode(_options.Profile.Name, _options.Pinned is not null, _options.Model, _options.Data, server, compute, Self, _options.Route);
        if (_options.Pinned is { } id)
        {
            Context.ActorOf(Props.Create(() => new DeviceActor(id, node)), id.Value);
            return;
        }

        var region = ClusterSharding.Get(Context.System).Start(
            "devices", entity => Props.Create(() => new DeviceActor(new DeviceId(entity), node)),
            ClusterShardingSettings.Create(Context.System).WithRole(Role), new DeviceMessageExtractor(),
            new EvenAllocationStrategy(Math.Min(_options.ExpectedNodes, _options.SharedDevices)), PoisonPill.Instance);
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
        else if (_welcomed.IsSubsetOf(_ended))
        {
            End(null);
        }
    }

    private void ServerRemoved(ClusterEvent.MemberRemoved removed)
    {
        if (!removed.Member.HasRole(ServerNode.Role))
        {
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

    private sealed record StartShared(IActorRef Region) : ILocalMessage;
}
