using System.Diagnostics;

using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Training;

/// <summary>
/// Parent of the trainer stages of one server node: asks the coordinator for stages, starts them, starts them again after a fault, and connects them to
/// their neighbours, on this node directly and on others over links.
/// </summary>
internal sealed class StageHostActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan GreetingInterval = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly StageHostOptions _options;
    private readonly Dictionary<int, IActorRef> _stages = [];
    private readonly SentStates _sent;
    private readonly ServerPace? _pace;
    private StageLinks? _links;
    private StageDoor? _door;
    private IActorRef _coordinator = ActorRefs.Nobody;

    public StageHostActor(StageHostOptions options)
    {
        _options = options;
        _pace = options.Profile.GigaFlops is { } rate ? new ServerPace(rate) : null;
        _sent = new SentStates((stage, steps, state) => _links?.SendState(StageLinks.Main, stage, steps, state));
        Receive<Greet>(_ => _options.Server.Tell(Greeting()));
        Receive<ServerCommands.Welcome>(Measure);
        Receive<ServerEvents.Measured>(m => _coordinator.Tell(m));
        Receive<ServerEvents.Failed>(m => _coordinator.Tell(m));
        Receive<ServerCommands.Refuse>(m => _options.Ended(new UserErrorException($"The main server refused this server node: {m.Explanation}.")));
        Receive<StageCommands.Host>(Host);
        Receive<ServerCommands.Arrange>(Arrange);
        Receive<LinkOpened>(m => Opened(m));
        Receive<LinkFailed>(Failed);
        Receive<DoorRefused>(Refused);
        Receive<FrameWritten>(m => _coordinator.Tell(new ServerEvents.Transferred(
            m.Layout, m.Peer, TraceClock.Microseconds(Stopwatch.GetTimestamp()), TraceClock.Microseconds(m.Began),
            (long)Stopwatch.GetElapsedTime(m.Began, m.Ended).TotalMicroseconds)));
        Receive<SendState>(m => _links?.SendState(m.Node, m.Stage, m.Steps, m.State));
        Receive<StateCompleted>(Completed);
        Receive<ServerCommands.Finish>(_ => _options.Ended(null));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>A stage that cannot be loaded at all is nothing to try again.</summary>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(error => error is ActorInitializationException ? Directive.Escalate : Directive.Restart);

    protected override void PreStart()
    {
        if (_options.Door is { } door)
        {
            var self = Self;
            _door = new StageDoor(door, refusal => self.Tell(new DoorRefused(refusal)));
        }

        Timers.StartPeriodicTimer(nameof(Greet), Greet.Instance, TimeSpan.Zero, GreetingInterval);
    }

    protected override void PostStop()
    {
        _links?.Dispose();
        _door?.Dispose();
    }

    private ServerEvents.Greeted Greeting() => new(
        _options.Profile.Name, _options.Vault is not null, ProtocolVersion.Current, _options.Model.Fingerprint, _options.Threads,
        _options.Door?.Host ?? "-", _door?.Port ?? 0, _options.Profile.LinkMegabits ?? 0, _options.Profile.LinkLatency.TotalSeconds)
    {
        KnowsStandby = _options.KnowsStandby,
        Release = Release.Current,
    };

    /// <summary>What the main server's door refused is told with what its activation channel did; elsewhere it is logged, in the same measure.</summary>
    private void Refused(DoorRefused refused)
    {
        var refusal = refused.Refusal;
        if (_options.Vault is not null)
        {
            _options.Server.Tell(new PipelineCoordinatorActor.ChannelRefused(refusal) { AtDoor = true });
        }
        else if (long.IsPow2(refusal.Count))
        {
            _log.Warning("Refused a connection to this server node: {Fault} ({Count} so far), {Reason}", refusal.Fault, refusal.Count, refusal.Message);
        }
    }

    /// <summary>Measures on a thread of its own: loading and computing must not hold up the control plane.</summary>
    private void Measure(ServerCommands.Welcome welcome)
    {
        if (!_coordinator.IsNobody())
        {
            // It had greeted again before the answer came.
            return;
        }

        Timers.Cancel(nameof(Greet));
        _coordinator = Sender;
        _options.Welcomed();
        var (model, spec, rate) = (_options.Model, welcome.Probe.Trainer(), _options.Profile.GigaFlops * 1e9);
        Task.Factory.StartNew(
                () => StageProbe.Measure(model, spec, welcome.Samples, welcome.Length, rate), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(Self, Self, measured => new ServerEvents.Measured(measured), error => new ServerEvents.Failed(error.GetBaseException().Message));
    }

    private void Host(StageCommands.Host order)
    {
        Timers.Cancel(nameof(Greet));
        _coordinator = Sender;
        var memory = new StageMemory(order.Stage, Sender, (IStageStates?)_options.Vault ?? _sent, _pace) { Generation = order.Generation };
        var spec = order.Spec.Trainer();
        _stages[order.Stage] = Context.ActorOf(
            Props.Create(() => new LoRATrainerActor(_options.Model, spec, memory)).WithDispatcher(ActorConfig.ComputeDispatcher),
            $"stage-{order.Stage}-{order.Generation}");
    }

    private void Arrange(ServerCommands.Arrange order)
    {
        _door?.ForgetAll();
        _links?.Dispose();
        var (self, stages) = (Self, new Dictionary<int, IActorRef>(_stages));
        _links = new StageLinks(order, _options.Model.Shape.Width, _options.Door?.MaxFrameBytes ?? 0, self, stages);
        foreach (var link in order.Links)
        {
            if (!link.Dial)
            {
                _door!.Await(link, order.Layout, connection => self.Tell(new LinkOpened(order.Layout, link.Peer, connection)));
                continue;
            }

            var door = _door!;
            Task.Factory.StartNew(() => door.Dial(link, order.Layout), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .PipeTo(
                    self, self, connection => new LinkOpened(order.Layout, link.Peer, connection),
                    error => new LinkFailed(order.Layout, link.Peer, error.GetBaseException().Message));
        }

        JoinWhenOpen();
    }

    private void Opened(LinkOpened opened)
    {
        if (_links is null || opened.Layout != _links.Layout)
        {
            opened.Connection.Dispose();
            return;
        }

        _links.Add(opened.Peer, opened.Connection);
        JoinWhenOpen();
    }

    /// <summary>When all links are open, each stage learns who its neighbours are.</summary>
    private void JoinWhenOpen()
    {
        if (!_links!.AreOpen)
        {
            return;
        }

        foreach (var (stage, actor) in _links.OwnStages)
        {
            actor.Tell(new LoRATrainerActor.Join(_links.Port(stage + 1), _links.Port(stage - 1)));
        }

        _coordinator.Tell(new ServerEvents.Connected(_links.Layout));
    }

    private void Failed(LinkFailed failed)
    {
        if (failed.Layout == _links?.Layout)
        {
            _coordinator.Tell(new ServerEvents.LinkBroken(failed.Layout, failed.Peer, failed.Reason));
        }
    }

    private void Completed(StateCompleted state)
    {
        if (_options.Vault is { } vault)
        {
            vault.Keep(state.Stage, state.Steps, state.State);
            _coordinator.Tell(StateKept.Instance);
        }
        else if (_stages.TryGetValue(state.Stage, out var stage))
        {
            _sent.Arrived(state.Stage, state.Steps, state.State);
            stage.Tell(LoRATrainerActor.StateArrived.Instance);
        }
    }

    /// <summary>A link of a layout is open.</summary>
    internal sealed record LinkOpened(int Layout, int Peer, StageConnection Connection) : ILocalMessage;

    /// <summary>A link of a layout broke, or cannot be opened.</summary>
    internal sealed record LinkFailed(int Layout, int Peer, string Reason) : ILocalMessage;

    /// <summary>A connection was refused.</summary>
    internal sealed record DoorRefused(ChannelRefusal Refusal) : ILocalMessage;

    /// <summary>A frame was written to another server node, between two timestamps.</summary>
    internal sealed record FrameWritten(int Layout, int Peer, long Began, long Ended) : ILocalMessage;

    /// <summary>A link brought a whole state.</summary>
    internal sealed record StateCompleted(int Stage, int Steps, StageState State) : ILocalMessage;

    /// <summary>Send a stage on another node the state that it is to go back to.</summary>
    internal sealed record SendState(int Node, int Stage, int Steps, StageState State) : ILocalMessage;

    /// <summary>A state of a stage on another node is in the vault.</summary>
    internal sealed record StateKept : ILocalMessage
    {
        public static StateKept Instance { get; } = new();
    }

    private sealed record Greet : ILocalMessage
    {
        public static Greet Instance { get; } = new();
    }
}
