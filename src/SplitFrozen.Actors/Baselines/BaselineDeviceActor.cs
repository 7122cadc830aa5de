using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Devices;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>
/// One device of a method in which devices train, in the place of <see cref="DeviceActor"/>: owns its samples, greets the server, opens its link, and hands commands and
/// tensors to the actor that computes. It never computes itself. A link that breaks ends the life of the device: the next begins from what the server sends it.
/// </summary>
internal sealed class BaselineDeviceActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan GreetingInterval = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly DeviceId _id;
    private readonly DeviceNode _node;
    private readonly string _method;
    private readonly NodeTurn _turn;
    private readonly SortedDictionary<int, MethodCommands.IMethodCommand> _commands = [];
    private Incarnation _incarnation;
    private RunSpec? _run;
    private StageLink? _link;
    private CancellationTokenSource _dialling = new();
    private IActorRef _compute = ActorRefs.Nobody;
    private IReadOnlyList<EncodedSample>? _samples;
    private string _dataFingerprint = "";
    private bool _isLoaded;
    private bool _isBusy;
    private int _next;
    private int _states;
    private WorkDone _work;

    /// <param name="id">The device.</param>
    /// <param name="node">What the node's devices share.</param>
    /// <param name="method">The method that the node is set to.</param>
    /// <param name="turn">The node's turn to compute.</param>
    public BaselineDeviceActor(DeviceId id, DeviceNode node, string method, NodeTurn turn)
    {
        (_id, _node, _method, _turn) = (id, node, method, turn);
        Greeting();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>What a device cannot compute once, it cannot compute again.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(error =>
    {
        Fail(error is ActorInitializationException { InnerException: { } inner } ? inner.GetBaseException() : error);
        return Directive.Stop;
    });

    protected override void PreStart() => BeginLife();

    protected override void PostStop() => CutLink();

    private void BeginLife()
    {
        CutLink();
        if (!_compute.IsNobody())
        {
            Context.Stop(_compute);
        }

        _incarnation = new Incarnation(Math.Max(_node.Time.GetUtcNow().ToUnixTimeMilliseconds(), _incarnation.Value + 1));
        _commands.Clear();
        (_compute, _isLoaded, _isBusy, _next, _states, _work) = (ActorRefs.Nobody, false, false, 0, 0, default);
        Timers.StartPeriodicTimer(nameof(Greet), Greet.Instance, TimeSpan.Zero, GreetingInterval);
    }

    private void CutLink()
    {
        _dialling.Cancel();
        _dialling = new CancellationTokenSource();
        _link?.Cut();
        _link = null;
    }

    /// <summary>Asks to take part until the server answers.</summary>
    private void Greeting()
    {
        Receive<Greet>(_ => _node.Server.Tell(new DeviceEvents.Greeted(
            _id, _incarnation, _node.Name, ProtocolVersion.Current, _node.Model.Fingerprint, _node.IsPinned)
        {
            Release = Release.Current,
            Method = _method,
            KnowsStandby = _node.KnowsStandby,
        }));
        Receive<DeviceCommands.Welcome>(m => m.Incarnation == _incarnation, Welcomed);
        Receive<DeviceCommands.Refuse>(m => m.Incarnation == _incarnation, Refused);
        Receive<LinkOpened>(m => m.Connection.Dispose());
        Receive<FrameCame>(m => Return(m.Frame));
        Receive<DeviceCommands.Finish>(_ => End(null));
        Receive<DeviceActor.Leave>(_ => Stop());
    }

    /// <summary>Takes part: prepares, then works on what it is told.</summary>
    private void Working()
    {
        Receive<DeviceCommands.Welcome>(_ => _log.Debug("{Device} was welcomed twice: it had greeted again before the answer came", _id));
        Receive<DataLoaded>(m =>
        {
            (_samples, _dataFingerprint) = (m.Samples, m.Fingerprint);
            SayPrepared();
        });
        Receive<DataFailed>(m => Fail(m.Error));
        Receive<BaselineComputeActor.Loaded>(_ => Sender.Equals(_compute), _ =>
        {
            _isLoaded = true;
            SayPrepared();
        });
        Receive<LinkOpened>(Opened);
        Receive<LinkBroken>(m => m.Incarnation == _incarnation, Broken);
        Receive<FrameCame>(Came);
        Receive<MethodCommands.IMethodCommand>(m => m.Incarnation == _incarnation, Told);
        Receive<BaselineComputeActor.Output>(m => Sender.Equals(_compute), Computed);
        Receive<Beat>(_ =>
        {
            _node.Server.Tell(new DeviceEvents.Heartbeat(_id, _incarnation, _node.Gauge.Current, Work));
            SayPrepared();
        });
        Receive<DeviceActor.Leave>(_ =>
        {
            _node.Server.Tell(new DeviceEvents.Left(_id, _incarnation, Work));
            Stop();
        });
        Receive<DeviceCommands.Refuse>(m => m.Incarnation == _incarnation, Refused);
        Receive<DeviceCommands.Finish>(_ =>
        {
            _node.Server.Tell(new DeviceEvents.Finished(_id, _incarnation, Work));
            End(null);
        });
    }

    /// <summary>What this life did; bytes are those of the link.</summary>
    private WorkDone Work => _link is null ? _work : _work with { BytesSent = _link.BytesWritten, BytesReceived = _link.BytesRead };

    private void Welcomed(DeviceCommands.Welcome welcome)
    {
        if (welcome.Run.Method is not { } spec || spec.Name != _method)
        {
            Fail(new UserErrorException($"The server runs method {welcome.Run.Method?.Name ?? TrainingMethods.SplitFrozen}, device {_id} is set to {_method}; set splitfrozen.training.method alike on all nodes."));
            return;
        }

        _run = welcome.Run;
        Timers.Cancel(nameof(Greet));
        Timers.StartPeriodicTimer(nameof(Beat), Beat.Instance, TimeSpan.FromMilliseconds(welcome.Run.HeartbeatMilliseconds));
        _log.Info("{Device} takes part in {Run}", _id, welcome.Run.RunName);
        _node.Keeper.Tell(new DeviceNodeActor.DeviceWelcomed(_id));
        Become(Working);
        Dial(welcome.Channel);
        var (model, turn) = (_node.Model, _turn);
        _compute = Context.ActorOf((_method == TrainingMethods.FedLora
            ? Props.Create(() => new FedComputeActor(model, spec, turn)) : Props.Create(() => new SplitComputeActor(model, spec, turn))).WithDispatcher(ActorConfig.ComputeDispatcher));
        if (_samples is null)
        {
            LoadData(welcome.Run);
        }
    }

    private void Dial(ChannelEndpoint server)
    {
        var (incarnation, route, stop) = (_incarnation, _node.Route, _dialling.Token);
        Task.Factory.StartNew(() => DeviceDial.Open(server, incarnation, route, stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(Self, Self, connection => new LinkOpened(incarnation, connection), error => new LinkBroken(incarnation, error.GetBaseException().Message));
    }

    /// <summary>Reads and tokenises on a thread of its own.</summary>
    private void LoadData(RunSpec run) =>
        Task.Factory.StartNew(
            () =>
            {
                var samples = _node.Data.Load(_id, run);
                return new DataLoaded(samples, DataFingerprint.Of(samples));
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(Self, Self, loaded => loaded, error => new DataFailed(error.GetBaseException()));

    private void Opened(LinkOpened opened)
    {
        if (opened.Incarnation != _incarnation)
        {
            opened.Connection.Dispose();
            return;
        }

        var (self, incarnation, parts) = (Self, _incarnation, new StateAssembly());
        _link = new StageLink(
            opened.Connection, _node.Model.Shape.Width, _run!.Method!.MaxFrameBytes,
            frame => self.Tell(new FrameCame(incarnation, frame, (frame as StageFrame.Tensor) is { } tensor && parts.Add(tensor) is { } state ? Parcel.Of(tensor, state) : null)),
            reason => self.Tell(new LinkBroken(incarnation, reason)), incarnation.Value);
        SayPrepared();
    }

    /// <summary>Says that it is ready; again with each sign of life until it has work, since a message may get lost.</summary>
    private void SayPrepared()
    {
        if (_samples is not null && _isLoaded && _link is not null && _next == 0)
        {
            _node.Server.Tell(new DeviceEvents.Prepared(_id, _incarnation, _samples.Count, _node.Gauge.Current, _dataFingerprint));
        }
    }

    private void Came(FrameCame came)
    {
        if (came.Incarnation != _incarnation)
        {
            Return(came.Frame);
        }
        else if (came.Parcel is { } parcel)
        {
            _states += parcel.Kind == ParcelKind.State ? 1 : 0;
            _compute.Tell(new BaselineComputeActor.Take(parcel));
            Pump();
        }
        else if (came.Frame is StageFrame.RowsFor rows)
        {
            _compute.Tell(rows.Rows);
        }
    }

    private void Told(MethodCommands.IMethodCommand command)
    {
        if (command.Number >= _next)
        {
            _commands[command.Number] = command;
            Pump();
        }
    }

    /// <summary>Begins the next command when the one before is done and what it builds on is here.</summary>
    private void Pump()
    {
        if (_isBusy || !_commands.TryGetValue(_next, out var command) || _states < command.States)
        {
            return;
        }

        if (_next == 0)
        {
            _compute.Tell(new BaselineComputeActor.Use(new LocalData(_id, _samples!, BaselineSpec.Order(_run!.Method!))));
        }

        _commands.Remove(_next++);
        _isBusy = true;
        _compute.Tell(command);
    }

    private void Computed(BaselineComputeActor.Output output)
    {
        _work += output.Work;
        foreach (var frame in output.Frames)
        {
            if (_link is { } link)
            {
                link.Send(frame);
            }
            else
            {
                Return(frame);
            }
        }

        if (output.IsDone)
        {
            _isBusy = false;
            Pump();
        }
    }

    private void Broken(LinkBroken broken)
    {
        _log.Warning("The link of {Device} broke ({Reason}); the device begins anew", _id, broken.Reason);
        _node.Server.Tell(new DeviceEvents.Heartbeat(_id, _incarnation, _node.Gauge.Current, Work));
        Timers.CancelAll();
        Become(Greeting);
        BeginLife();
    }

    private void Refused(DeviceCommands.Refuse refusal) =>
        End(refusal.Reason == RefusalReason.RunClosed ? null : new UserErrorException($"The server refused device {_id}: {refusal.Explanation}."));

    private void Fail(Exception error)
    {
        _node.Server.Tell(new DeviceEvents.Failed(_id, _incarnation, error.Message));
        End(error);
    }

    private void Stop()
    {
        Timers.CancelAll();
        _node.Keeper.Tell(new DeviceNodeActor.DeviceMoved(_id));
        Context.Stop(Self);
    }

    private void End(Exception? error)
    {
        _node.Keeper.Tell(new DeviceNodeActor.DeviceEnded(_id, error));
        Timers.CancelAll();
        if (_node.IsPinned)
        {
            Context.Stop(Self);
        }
        else
        {
            Context.Parent.Tell(new Passivate(PoisonPill.Instance));
        }
    }

    private static void Return(StageFrame frame) => (frame as StageFrame.RowsFor)?.Rows.Return();

    private sealed record Greet : ILocalMessage
    {
        public static Greet Instance { get; } = new();
    }

    private sealed record Beat : ILocalMessage
    {
        public static Beat Instance { get; } = new();
    }

    private sealed record LinkOpened(Incarnation Incarnation, StageConnection Connection) : ILocalMessage;

    private sealed record LinkBroken(Incarnation Incarnation, string Reason) : ILocalMessage;

    /// <summary>A frame came, and with it a whole parcel, or not.</summary>
    private sealed record FrameCame(Incarnation Incarnation, StageFrame Frame, Parcel? Parcel) : ILocalMessage;

    private sealed record DataLoaded(IReadOnlyList<EncodedSample> Samples, string Fingerprint) : ILocalMessage;

    private sealed record DataFailed(Exception Error) : ILocalMessage;
}
