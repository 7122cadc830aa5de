using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Control;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Security;
using SplitFrozen.Actors.Serialization;
using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Actors.Store;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Store;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// The cluster's singleton on role server: parent of allocator, shuffle, trainer and coordinator, so that they live and move together, and the one
/// address that devices speak to. A fault in a child ends the run: its state cannot be made up again.
/// </summary>
internal sealed class ServerSupervisorActor : ReceiveActor
{
    private readonly ServerRun _run;
    private readonly ControlGate _gate;
    private readonly HashSet<Address> _shown = [];
    private ChannelListener? _channel;
    private ControlListener? _control;
    private TlsIdentity? _identity;
    private IActorRef _coordinator = ActorRefs.Nobody;
    private IActorRef _allocator = ActorRefs.Nobody;
    private CancellationTokenRegistration _stop;

    public ServerSupervisorActor(ServerRun run)
    {
        _run = run;
        _gate = new ControlGate(run.Settings.Security.Limits, run.Time);
        Receive<DeviceEvents.IDeviceEvent>(m => IsRefused(m), _ => { });
        Receive<WireRefused>(m => _coordinator.Tell(new PipelineCoordinatorActor.ControlRefused(m.From!, null, m.Reason)));
        Receive<DeviceEvents.Heartbeat>(m =>
        {
            _coordinator.Forward(m);
            _allocator.Forward(m);
        });
        Receive<DeviceEvents.IDeviceEvent>(m => _coordinator.Forward(m));
        Receive<ShuffleActor.UnitPlaced>(m => _coordinator.Forward(m));
        Receive<ShuffleActor.SamplesHere>(m => _coordinator.Forward(m));
        Receive<ShuffleActor.Struck>(m => _coordinator.Forward(m));
        Receive<ShuffleActor.UnitRefused>(m => _coordinator.Forward(m));
        Receive<ShuffleActor.StoredCount>(m => _coordinator.Forward(m));
        Receive<ShuffleActor.Supplied>(m => _coordinator.Forward(m));
        Receive<ShuffleActor.StoreReport>(m => _coordinator.Forward(m));
        Receive<CatchUpActor.RowsChecked>(m => _coordinator.Forward(m));
        Receive<RoleShown>(m => _shown.Add(m.Address));
        Receive<ServerEvents.Greeted>(_ => !MayHoldStages(Sender.Path.Address), _ => { });
        Receive<ServerEvents.IServerEvent>(m => _coordinator.Forward(m));
        Receive<PipelineCoordinatorActor.ChannelRefused>(m => _coordinator.Forward(m));
        Receive<ClusterEvent.MemberUp>(m => _run.Observer.On(
            new RunEvent.NodeJoined(NodeName.Of(m.Member), RoleOf(m.Member), m.Member.Address.ToString())));
        Receive<ClusterEvent.MemberRemoved>(m =>
        {
            _gate.Forget(m.Member.Address);
            _shown.Remove(m.Member.Address);
            _run.Observer.On(new RunEvent.NodeLeft(NodeName.Of(m.Member), RoleOf(m.Member)));
        });
        Receive<Terminate>(_ => Context.Stop(Self));
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(error =>
    {
        _run.Fail(error is ActorInitializationException { InnerException: { } inner } ? inner.GetBaseException() : error);
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        try
        {
            StartActors();
        }
        catch (Exception e)
        {
            // The manager above it logs this and does no more: without the result the run would wait for ever.
            _run.Fail(e);
            throw;
        }
    }

    private void StartActors()
    {
        var settings = _run.Settings;
        var resume = _run.Resumes ? ResumePoint.Find(_run, Refused) : null;
        Cluster.Get(Context.System).Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberRemoved));
        Context.System.EventStream.Subscribe(Self, typeof(WireRefused));
        _allocator = Context.ActorOf(Props.Create(() => new AllocatorActor(AllocationSetting.Of(_run))), "allocator");
        var isStoring = settings.Store.Mode != StoreMode.Off;
        var store = isStoring ? OpenStore() : null;
        var catchUp = Context.ActorOf(
            Props.Create(() => new CatchUpActor(_run.Model, _run.Spec.Cut, settings.Pipeline.UnitTokens, isStoring)).WithDispatcher(ActorConfig.ComputeDispatcher), "catch-up");
        var vault = new StageVault();
        var files = Context.ActorOf(
            Props.Create(() => new CheckpointActor(_run.Model, _run.Trainer, _run.Paths.Ledger, resume == null ? 0 : resume.LedgerBytes, _run.Lease)).WithDispatcher(ActorConfig.ComputeDispatcher), "files");
        var shuffle = Context.ActorOf(
            Props.Create(() => new ShuffleActor(catchUp, _run.Spec.Cut, store, settings.Pipeline.UnitTokens, _run.Model.Shape.Width)).WithDispatcher(ActorConfig.DataDispatcher), "shuffle");
        _channel = OpenChannel(shuffle);
        var peers = new PipelineCoordinatorActor.Peers(_allocator, shuffle, catchUp, vault, files, _channel);
        var coordinator = Context.ActorOf(Props.Create(() => new PipelineCoordinatorActor(_run, peers, resume)), "coordinator");
        _coordinator = coordinator;
        OpenControl();
        if (_identity is { } identity)
        {
            Action<string, string> refuse = (node, problem) => _run.Observer.On(new RunEvent.ServerProblem(node, problem));
            var self = Self;
            Action<Address> shown = address => self.Tell(new RoleShown(address));
            Context.ActorOf(Props.Create(() => new RoleGuardActor(identity, refuse, shown)), "roles");
        }

        var host = new StageHostOptions(_run.Model, settings.Server.Profile, _run.Spec.Threads, Self, Door(), vault);
        Context.ActorOf(Props.Create(() => new StageHostActor(host)), "stages");
        _stop = _run.StopRequested.Register(() => coordinator.Tell(PipelineCoordinatorActor.Stop.Instance));
    }

    protected override void PostStop()
    {
        _stop.Dispose();
        _control?.Dispose();
        _channel?.Dispose();
        _identity?.Dispose();
        Context.System.EventStream.Unsubscribe(Self);
        Cluster.Get(Context.System).Unsubscribe(Self);
    }

    /// <summary>Whether what a device's node says is not worked on: it says too much.</summary>
    private bool IsRefused(DeviceEvents.IDeviceEvent message)
    {
        var from = Sender.Path.Address;
        if (_gate.Refusal(from, message.Device) is not { } reason)
        {
            return false;
        }

        _coordinator.Tell(new PipelineCoordinatorActor.ControlRefused(from, message.Device, reason));
        return true;
    }

    /// <summary>With TLS on, a node that has not shown a server node's certificate yet gets no answer; it greets again soon.</summary>
    private bool MayHoldStages(Address node) => _identity is null || node.HasLocalScope || _shown.Contains(node);

    private void Refused(string checkpoint)
    {
        Context.GetLogger().Warning("A checkpoint is not used: {Checkpoint}", checkpoint);
        _run.Observer.On(new RunEvent.CheckpointRefused(checkpoint));
    }

    /// <summary>A server that was stopped and taken for dead still has its files open: the next one begins with others.</summary>
    private string StoreFolder => _run.Lease?.Token is { } token and > 1 ? $"{_run.Paths.Store}-{token}" : _run.Paths.Store;

    /// <summary>Other server nodes connect only where there are to be some.</summary>
    private DoorOptions? Door()
    {
        var channel = _run.Settings.Channel;
        return _run.Settings.Start.Servers > 1 ? new DoorOptions(channel.Host, _run.Settings.Server.Port, _identity, channel.MaxFrameBytes)
        {
            Carrier = _run.Carrier,
            Time = _run.Time,
            Link = _run.StageLink,
        } : null;
    }

    private ActivationStore OpenStore()
    {
        var settings = _run.Settings;
        var fingerprint = new StoreFingerprint(
            _run.Spec.ModelFingerprint, _run.Spec.Cut, _run.Spec.MaxLength, _run.Spec.Codec.ToString(), settings.Store.Codec.ToString(),
            _run.Spec.Threads, settings.Model.Compute);
        var log = Context.GetLogger();
        return ActivationStore.Open(settings.Store, fingerprint, _run.Model.Shape.Width, StoreFolder, text => log.Info("Activation store: {Text}", text));
    }

    private ChannelListener OpenChannel(IActorRef shuffle)
    {
        var spec = _run.Spec;
        var shape = _run.Model.Shape;
        var channel = _run.Settings.Channel;
        var self = Self;
        _identity = TlsIdentity.Load(_run.Settings.Security.Tls);
        return new ChannelListener(
            new ListenerOptions(channel.Host, channel.Port, _identity) { Carrier = _run.Carrier, Time = _run.Time, Limits = _run.Settings.Security.Limits },
            new ChannelRules(
                shape.Width, spec.Cut, spec.MaxLength, channel.MaxFrameBytes, spec.Task,
                spec.Task == TaskKind.Classification ? spec.Labels.Length : shape.Vocabulary,
                spec.Codec, spec.Credits),
            new ServerMemory(ServerMemory.Limit(_run.Settings.Server), ServerMemory.SampleBytes(spec.MaxLength, shape.Width)),
            unit => shuffle.Tell(new ShuffleActor.UnitArrived(unit)),
            refusal => self.Tell(new PipelineCoordinatorActor.ChannelRefused(refusal)));
    }

    private void OpenControl()
    {
        if (_run.Settings.Control is { Port: { } port, Host: var host })
        {
            var handler = new ControlHandler(Context.System, _coordinator, _allocator);
            var log = Context.GetLogger();
            _control = new ControlListener(host, port, _run.Paths.Folder, _identity, handler.Answer, text => log.Warning("{Problem}", text));
            log.Info("Operators' commands are taken at {Host}:{Port}", _control.Endpoint.Host, _control.Endpoint.Port);
        }
    }

    /// <summary>What a member of the cluster is there for.</summary>
    internal static string RoleOf(Member member) =>
        member.HasRole(ServerNode.Role) ? member.UniqueAddress == Cluster.Get(Context.System).SelfUniqueAddress ? ServerNode.Role : ServerNode.StandbyName : member.HasRole(StageNode.Role) ? StageNode.Role : Devices.DeviceNodeActor.Role;

    /// <summary>A server node has shown its certificate.</summary>
    private sealed record RoleShown(Address Address) : ILocalMessage;

    /// <summary>Sent by the singleton's manager when the server node leaves.</summary>
    internal sealed record Terminate : ILocalMessage
    {
        public static Terminate Instance { get; } = new();
    }
}
