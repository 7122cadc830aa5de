using System.Net.Sockets;
using System.Runtime.ExceptionServices;

using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Security;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>
/// The cluster's singleton on role server for methods in which devices train, in the place of <see cref="ServerSupervisorActor"/>: admits devices, carries what the method's
/// run asks of them over their lives and links, and never computes. The run itself, with the server's model, has a thread of its own.
/// </summary>
internal sealed partial class BaselineServerActor : ReceiveActor, IWithTimers
{
    /// <summary>How long devices may take to report their last figures.</summary>
    private static readonly TimeSpan FinishTime = TimeSpan.FromSeconds(10);

    /// <summary>So many heartbeats after which what was not answered is told again.</summary>
    private const int HeartbeatsToRemind = 5;

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ServerRun _run;
    private readonly SortedDictionary<DeviceId, BaselineSession> _sessions = [];
    private readonly TaskCompletionSource<IReadOnlyList<LocalPlan>> _gathered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ChannelListener _channel = null!;
    private TlsIdentity? _identity;
    private CancellationTokenRegistration _stop;
    private MethodFleet? _fleet;
    private Action? _finished;
    private bool _hasFinished;

    /// <param name="run">The run.</param>
    public BaselineServerActor(ServerRun run)
    {
        _run = run;
        ReceiveFromDevices();
        Receive<LinkOpened>(Opened);
        Receive<LinkClosed>(m => Current(m.Device, m.Incarnation, session => LoseUnlessFinishing(session, $"its link broke: {m.Reason}")));
        Receive<ParcelCame>(m => Current(m.Device, m.Incarnation, session => Guarded(session, () => _fleet?.Arrived(session, m.Parcel))));
        Receive<RowsCame>(RowsArrived);
        Receive<Refusal>(m => Refused(m.Refused));
        Receive<Drawn>(m => _fleet = Fleet(m.State));
        Receive<IFleetOrder>(m => _fleet!.Accept(m));
        Receive<FinishDevices>(m => FinishAll(() => m.Done.TrySetResult(Figures())));
        Receive<RunDone>(m => _run.Complete(m.Summary));
        Receive<RunBroken>(m => FinishAll(() =>
        {
            _run.Observer.On(new RunEvent.Failed(m.Error.Message));
            _run.Fail(m.Error);
        }));
        Receive<StartLimit>(_ => _gathered.TrySetException(new RunFailedException(RunFailure.NotStarted, NotEnough())));
        Receive<Stop>(_ => _gathered.TrySetException(new RunFailedException(RunFailure.NotStarted, "The run was stopped before enough devices had joined.")));
        Receive<FinishLimit>(_ => EndFinishing());
        Receive<Remind>(_ => RemindAll());
        Receive<ReturnLimit>(m => ReturnTimeOver(m.Device));
        Receive<ServerEvents.Greeted>(_ => Sender.Tell(new ServerCommands.Refuse($"method {_run.Settings.Training.Method} has one server node; further ones hold stages of splitfrozen only")));
        Receive<ClusterEvent.MemberUp>(m => _run.Observer.On(
            new RunEvent.NodeJoined(NodeName.Of(m.Member), ServerSupervisorActor.RoleOf(m.Member), m.Member.Address.ToString())));
        Receive<ClusterEvent.MemberRemoved>(m => _run.Observer.On(new RunEvent.NodeLeft(NodeName.Of(m.Member), ServerSupervisorActor.RoleOf(m.Member))));
        Receive<ServerSupervisorActor.Terminate>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        if (_run.Result.IsCompleted)
        {
            // Started again after an error: that has ended the run.
            Context.Stop(Self);
            return;
        }

        try
        {
            Start();
        }
        catch (Exception e)
        {
            // The manager above it logs this and does no more: without the result the run would wait for ever.
            _run.Fail(e);
            throw;
        }
    }

    /// <summary>An error here ends the run: what it knew of devices and rounds cannot be made up again.</summary>
    protected override void PreRestart(Exception reason, object message)
    {
        _run.Observer.On(new RunEvent.Failed(reason.Message));
        _run.Fail(reason);
        base.PreRestart(reason, message);
    }

    protected override void PostStop()
    {
        var error = new RunFailedException(RunFailure.Broken, "The server's actors have ended.");
        _gathered.TrySetException(error);
        _fleet?.Fail(error);
        _over.TrySetResult();
        _stop.Dispose();
        _channel?.Dispose();
        _identity?.Dispose();
        Cluster.Get(Context.System).Unsubscribe(Self);
    }

    private void Start()
    {
        Cluster.Get(Context.System).Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberRemoved));
        _channel = OpenChannel();
        if (_identity is { } identity)
        {
            Action<string, string> refuse = (node, problem) => _run.Observer.On(new RunEvent.ServerProblem(node, problem));
            Action<Address> shown = node => _log.Debug("{Address} has shown its certificate", node);
            Context.ActorOf(Props.Create(() => new RoleGuardActor(identity, refuse, shown)), "roles");
        }

        Timers.StartSingleTimer(nameof(StartLimit), StartLimit.Instance, _run.Settings.Start.Limit);
        Timers.StartPeriodicTimer(nameof(Remind), Remind.Instance, TimeSpan.FromMilliseconds(HeartbeatsToRemind * _run.Spec.HeartbeatMilliseconds));
        var self = Self;
        _stop = _run.StopRequested.Register(() => self.Tell(BaselineServerActor.Stop.Instance));
        Task.Factory.StartNew(() => RunMethod(self), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(Self, Self, summary => new RunDone(summary), error => new RunBroken(error.GetBaseException()));
        AnnounceWaiting();
    }

    /// <summary>The method, as in one process, on devices of other nodes; on a thread of its own.</summary>
    private RunSummary RunMethod(IActorRef self)
    {
        var inputs = new MethodInputs(
            _run.Settings, _run.Model, _run.Trainer, _run.Spec.Task, new Dictionary<DeviceId, IReadOnlyList<EncodedSample>>(), _run.Sets, _run.Paths, _run.Observer, _run.Trace);
        var server = new RemoteServer(self, _over.Task);
        if (_run.Settings.Training.Method == TrainingMethods.FedLora)
        {
            using var federated = new FedLoraRun(inputs, stage => new RemoteFedDevices(server, _gathered.Task, stage));
            return federated.Run(_run.StopRequested);
        }

        using var split = new SplitLoraRun(inputs, stage => new RemoteSplitDevices(server, _gathered.Task, stage));
        return split.Run(_run.StopRequested);
    }

    private MethodFleet Fleet(StageState drawn)
    {
        MethodFleet fleet = _run.Settings.Training.Method == TrainingMethods.FedLora
            ? new FedFleet(_sessions, drawn, _run.Settings.FedLora.KeepOptimizer) : new SplitFleet(_sessions, drawn);
        foreach (var session in _sessions.Values.Where(s => s.IsReady))
        {
            fleet.Ready(session);
        }

        return fleet;
    }

    private ChannelListener OpenChannel()
    {
        var (spec, shape, channel, self) = (_run.Spec, _run.Model.Shape, _run.Settings.Channel, Self);
        _identity = TlsIdentity.Load(_run.Settings.Security.Tls);
        var limit = spec.Task == TaskKind.Classification ? spec.Labels.Length : shape.Vocabulary;
        var rules = new RowRules(spec.MaxLength, _run.Settings.Training.MicroBatchSize, spec.Task, limit);
        return new ChannelListener(
            new ListenerOptions(channel.Host, channel.Port, _identity) { Carrier = _run.Carrier, Time = _run.Time, Limits = _run.Settings.Security.Limits },
            new ChannelRules(shape.Width, spec.Cut, spec.MaxLength, channel.MaxFrameBytes, spec.Task, limit, spec.Codec, spec.Credits),
            new ServerMemory(ServerMemory.Limit(_run.Settings.Server), ServerMemory.SampleBytes(spec.MaxLength, shape.Width)),
            unit => unit.Dispose(), refusal => self.Tell(new Refusal(refusal)))
        {
            Converse = (connection, life) => Converse(self, connection, life, rules),
        };
    }

    /// <summary>Serves a device's link until it ends; on the connection's thread.</summary>
    private void Converse(IActorRef self, StageConnection connection, ChannelLife life, RowRules rules)
    {
        var gate = new DeviceGate(rules);
        using var link = new StageLink(
            connection, _run.Model.Shape.Width, _run.Settings.Channel.MaxFrameBytes,
            frame =>
            {
                switch (gate.Take(frame))
                {
                    case Parcel parcel:
                        self.Tell(new ParcelCame(life.Device, life.Incarnation, parcel));
                        break;
                    case StageRows rows:
                        self.Tell(new RowsCame(life.Device, life.Incarnation, rows));
                        break;
                }
            },
            reason => self.Tell(new LinkClosed(life.Device, life.Incarnation, reason)), life.Incarnation.Value);
        self.Tell(new LinkOpened(life.Device, life.Incarnation, link, gate));
        if (link.Ended.GetAwaiter().GetResult() is { } cause and not (IOException or SocketException or ObjectDisposedException))
        {
            // No end of a link: a refusal, or something that went wrong here. The listener tells of it as that.
            ExceptionDispatchInfo.Throw(cause);
        }
    }

    private void RowsArrived(RowsCame came)
    {
        if (_fleet is null || !_sessions.TryGetValue(came.Device, out var session) || session.Entry.Incarnation != came.Incarnation || session.Entry.Ref is null)
        {
            came.Rows.Return();
            return;
        }

        Guarded(session, () => _fleet.Arrived(session, came.Rows));
    }

    /// <summary>Works on what a device sent; what is refused ends its life.</summary>
    private void Guarded(BaselineSession session, Action work)
    {
        try
        {
            work();
        }
        catch (FrameException refusal)
        {
            _channel.Close(session.Entry.Id);
            _channel.Refuse(session.Entry.Id, refusal);
        }
    }

    private void Current(DeviceId device, Incarnation incarnation, Action<BaselineSession> work)
    {
        if (_sessions.TryGetValue(device, out var session) && session.Entry.Incarnation == incarnation && session.Entry.Ref is not null)
        {
            work(session);
        }
    }

    private FleetReport Figures() => new(
        [.. _sessions.Values.Select(s => s.Entry.Summary())], _channel.Refusals.ToDictionary(r => r.Key.ToString(), r => r.Value));

    /// <summary>Tells all devices that the run is over, and goes on when they have answered or have taken too long.</summary>
    private void FinishAll(Action then)
    {
        if (_hasFinished)
        {
            then();
            return;
        }

        var isFirst = _finished is null;
        _finished += then;
        if (!isFirst)
        {
            return;
        }

        Timers.StartSingleTimer(nameof(FinishLimit), FinishLimit.Instance, FinishTime);
        RemindAll();
        EndWhenAllFinished();
    }

    private void EndWhenAllFinished()
    {
        if (_finished is not null && !_hasFinished && _sessions.Values.All(s => s.Entry.Finished || s.Entry.Ref is null))
        {
            EndFinishing();
        }
    }

    private void EndFinishing()
    {
        Timers.Cancel(nameof(FinishLimit));
        Timers.Cancel(nameof(Remind));
        _hasFinished = true;
        _finished?.Invoke();
    }

    private void RemindAll()
    {
        foreach (var session in _sessions.Values)
        {
            if (_finished is null)
            {
                session.Remind();
            }
            else if (!session.Entry.Finished)
            {
                session.Entry.Ref?.Tell(new DeviceCommands.Finish(session.Entry.Id));
            }
        }
    }

    /// <summary>What the run's model looks like, as it is drawn; the first that the run says.</summary>
    internal sealed record Drawn(StageState State) : ILocalMessage;

    /// <summary>The run has no more work for devices.</summary>
    /// <param name="Done">Gets what they did.</param>
    internal sealed record FinishDevices(TaskCompletionSource<FleetReport> Done) : ILocalMessage;

    private sealed record LinkOpened(DeviceId Device, Incarnation Incarnation, StageLink Link, DeviceGate Gate) : ILocalMessage;

    private sealed record LinkClosed(DeviceId Device, Incarnation Incarnation, string Reason) : ILocalMessage;

    private sealed record ParcelCame(DeviceId Device, Incarnation Incarnation, Parcel Parcel) : ILocalMessage;

    private sealed record RowsCame(DeviceId Device, Incarnation Incarnation, StageRows Rows) : ILocalMessage;

    private sealed record Refusal(ChannelRefusal Refused) : ILocalMessage;

    private sealed record RunDone(RunSummary Summary) : ILocalMessage;

    private sealed record RunBroken(Exception Error) : ILocalMessage;

    private sealed record ReturnLimit(DeviceId Device) : ILocalMessage;

    private sealed record Stop : ILocalMessage
    {
        public static Stop Instance { get; } = new();
    }

    private sealed record StartLimit : ILocalMessage
    {
        public static StartLimit Instance { get; } = new();
    }

    private sealed record FinishLimit : ILocalMessage
    {
        public static FinishLimit Instance { get; } = new();
    }

    private sealed record Remind : ILocalMessage
    {
        public static Remind Instance { get; } = new();
    }
}
