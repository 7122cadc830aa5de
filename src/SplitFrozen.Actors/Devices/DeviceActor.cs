using System.Diagnostics;

using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Devices;

/// <summary>
/// One device: owns its samples, greets the server, and runs forward units against grants and credits. A channel that
/// breaks is opened again; where that fails, a new life of the device begins (a new incarnation): samples and blocks stay in memory, and the server grants
/// again what it does not have.
/// </summary>
internal sealed class DeviceActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan GreetingInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long a device that leaves waits for the unit at hand and for the server's confirmations.</summary>
    private static readonly TimeSpan LeavingTime = TimeSpan.FromSeconds(10);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly DeviceId _id;
    private readonly DeviceNode _node;
    private Incarnation _incarnation;
    private RunSpec? _run;
    private ChannelClient? _channel;
    private IReadOnlyList<EncodedSample>? _samples;
    private string _dataFingerprint = "";
    private GrantQueue? _queue;
    private bool _isMeasured;
    private AllocationEpoch _allocation;
    private int _layers;
    private bool _computing;
    private bool _leaving;
    private long _sent;
    private long _confirmed;
    private WorkDone _work;
    private DeviceTrace? _trace;

    public DeviceActor(DeviceId id, DeviceNode node)
    {
        (_id, _node) = (id, node);
        Greeting();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => BeginLife();

    protected override void PostStop()
    {
        _channel?.Dispose();
        _node.Compute.Tell(new FrozenComputeActor.Drop(_id));
    }

    private void BeginLife()
    {
        var now = _node.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _incarnation = new Incarnation(Math.Max(now, _incarnation.Value + 1));
        _channel?.Dispose();
        (_channel, _queue, _layers, _allocation, _work, _computing) = (null, null, 0, default, default, false);
        (_sent, _confirmed) = (0, 0);
        Timers.StartPeriodicTimer(nameof(Greet), Greet.Instance, TimeSpan.Zero, GreetingInterval);
    }

    /// <summary>Asks to take part until the server answers.</summary>
    private void Greeting()
    {
        Receive<Greet>(_ => _node.Server.Tell(new DeviceEvents.Greeted(
            _id, _incarnation, _node.Name, ProtocolVersion.Current, _node.Model.Fingerprint, _node.IsPinned)
        {
            Release = Release.Current,
            KnowsStandby = _node.KnowsStandby,
        }));
        Receive<DeviceCommands.Welcome>(m => m.Incarnation == _incarnation, Welcomed);
        Receive<DeviceCommands.Refuse>(m => m.Incarnation == _incarnation, m => Refused(m));
        Receive<FrozenComputeActor.Ran>(m => m.Unit.Dispose());
        Receive<DeviceCommands.Finish>(_ => End(null));
        Receive<ServerChanged>(_ => _log.Debug("{Device} greets whoever is the server", _id));
        Receive<Leave>(_ => Stop());
    }

    /// <summary>Takes part: prepares, then works on what it is granted.</summary>
    private void Working()
    {
        Receive<DeviceCommands.Welcome>(_ => _log.Debug("{Device} was welcomed twice: it had greeted again before the answer came", _id));
        Receive<DataLoaded>(m =>
        {
            (_samples, _dataFingerprint) = (m.Samples, m.Fingerprint);
            Prepared();
        });
        Receive<DataFailed>(m => Fail(m.Error));
        Receive<FrozenComputeActor.Measured>(_ =>
        {
            _isMeasured = true;
            Prepared();
        });
        Receive<DeviceCommands.AssignLayers>(m => _node.Compute.Tell(new FrozenComputeActor.Hold(_id, m.Allocation, m.Layers)));
        Receive<FrozenComputeActor.Held>(Held);
        Receive<DeviceCommands.Grant>(m => m.Incarnation == _incarnation, Granted);
        Receive<DeviceCommands.ReturnCredits>(m => m.Incarnation == _incarnation, m =>
        {
            _queue!.Placed(m.PlacedUnits);
            Pump();
        });
        Receive<FrozenComputeActor.Ran>(Ran);
        Receive<ChannelNews.Sent>(m => m.Incarnation == _incarnation, m =>
        {
            _work = _work with { BytesSent = _work.BytesSent + m.Bytes };
            _trace?.Sent();
        });
        Receive<ChannelNews.Received>(m => m.Incarnation == _incarnation, m =>
        {
            _confirmed = m.Units;
            _node.Gauge.Sent(m.Bytes, m.Seconds);
            LeaveWhenDone();
        });
        Receive<ChannelNews.Resumed>(m => _log.Warning("The activation channel of {Device} broke ({Reason}) and was opened again", _id, m.Reason));
        Receive<ChannelNews.Broken>(
            m => m.Incarnation == _incarnation, m => BeginAnew($"The activation channel broke ({m.Reason}) and was not to be opened again"));
        Receive<ServerChanged>(_ => BeginAnew("The server was lost, and another one takes over"));
        Receive<Beat>(_ =>
        {
            _node.Server.Tell(new DeviceEvents.Heartbeat(_id, _incarnation, Capacity(), _work) { Allocation = _allocation });
            if (_queue is not null && _layers == 0)
            {
                SayPrepared(Capacity());
            }

            TellTrace();
        });
        Receive<Leave>(_ => BeginLeaving());
        Receive<LeavingLimit>(_ => Depart());
        Receive<DeviceCommands.Refuse>(m => m.Incarnation == _incarnation, m => Refused(m));
        Receive<DeviceCommands.Finish>(_ =>
        {
            TellTrace();
            _node.Server.Tell(new DeviceEvents.Finished(_id, _incarnation, _work));
            End(null);
        });
    }

    private void Welcomed(DeviceCommands.Welcome welcome)
    {
        _run = welcome.Run;
        _trace = welcome.Run.Trace ? new DeviceTrace() : null;
        Timers.Cancel(nameof(Greet));
        Timers.StartPeriodicTimer(nameof(Beat), Beat.Instance, TimeSpan.FromMilliseconds(welcome.Run.HeartbeatMilliseconds));
        var self = Self;
        _channel = new ChannelClient(welcome.Channel, _id, _incarnation, welcome.Run.Codec, _node.Route, news => self.Tell(news));
        _log.Info("{Device} takes part in {Run}", _id, welcome.Run.RunName);
        _node.Keeper.Tell(new DeviceNodeActor.DeviceWelcomed(_id));
        Become(Working);
        if (_samples is null)
        {
            LoadData(welcome.Run);
        }

        _node.Compute.Tell(FrozenComputeActor.Measure.Instance);
    }

    /// <summary>Reads and tokenises on a thread of its own: a large file must not hold up the thread pool that the control plane lives on.</summary>
    private void LoadData(RunSpec run) =>
        Task.Factory.StartNew(() => Load(run), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(Self, Self, loaded => loaded, error => new DataFailed(error.GetBaseException()));

    private DataLoaded Load(RunSpec run)
    {
        var samples = _node.Data.Load(_id, run);
        return new DataLoaded(samples, DataFingerprint.Of(samples));
    }

    private void Prepared()
    {
        if (_samples is not null && _isMeasured && _queue is null)
        {
            _queue = new GrantQueue(_samples, _run!.UnitTokens, _run.Credits);
            var capacity = Capacity();
            SayPrepared(capacity);
            _log.Info("{Device} has {Samples} samples and measured {Rate:0} tokens a second and layer", _id, _samples.Count, capacity.LayerTokensPerSecond);
        }
    }

    private void SayPrepared(Capacity capacity) =>
        _node.Server.Tell(new DeviceEvents.Prepared(_id, _incarnation, _samples!.Count, capacity, _dataFingerprint));

    private Capacity Capacity() => _node.Gauge.Current with { QueueLength = _queue?.Length ?? 0 };

    /// <summary>From the next unit on the device runs with the layers of this allocation; the one at hand keeps those it began with.</summary>
    private void Held(FrozenComputeActor.Held held)
    {
        if (held.Allocation.Value < _allocation.Value)
        {
            return;
        }

        (_allocation, _layers) = (held.Allocation, held.Layers);
        _node.Compute.Tell(new FrozenComputeActor.Use(_id, _allocation));
        _log.Info("{Device} holds {Layers} frozen layers", _id, _layers);
        _node.Server.Tell(new DeviceEvents.LayersLoaded(_id, _incarnation, _allocation, _layers));
        Pump();
    }

    private void Granted(DeviceCommands.Grant grant)
    {
        if (grant.Samples.Max() >= _samples!.Count)
        {
            Fail(new InvalidOperationException($"Grant {grant.Id} names sample {grant.Samples.Max()} of {_samples.Count}."));
            return;
        }

        _queue!.Add(grant);
        Pump();
    }

    /// <summary>Starts the next unit, if layers, a credit and a unit are there and none runs.</summary>
    private void Pump()
    {
        if (_computing || _leaving || _layers == 0 || _queue?.Next() is not { } order)
        {
            return;
        }

        var samples = Array.ConvertAll(order.Samples, s => _samples![s]);
        var header = new UnitHeader(
            _id, _incarnation, _allocation, order.Grant, order.Unit, _layers, _node.Model.Shape.Width, order.Samples, order.Lengths,
            [.. samples.SelectMany(s => s.Targets)]);
        _computing = true;
        _node.Compute.Tell(new FrozenComputeActor.Run(
            new ActivationUnit(header), [.. samples.SelectMany(s => s.Tokens)], Stopwatch.GetTimestamp()));
    }

    private void Ran(FrozenComputeActor.Ran result)
    {
        var header = result.Unit.Header;
        if (header.Incarnation != _incarnation)
        {
            result.Unit.Dispose();
            return;
        }

        _computing = false;
        _trace?.Ran(result.Seconds);
        _work = _work with
        {
            ForwardedSamples = _work.ForwardedSamples + header.Samples.Length,
            ForwardedTokens = _work.ForwardedTokens + header.Tokens,
            Flops = _work.Flops + result.Flops,
            BusySeconds = _work.BusySeconds + result.Seconds,
            Operations = _work.Operations + 1,
            Overruns = _work.Overruns + (result.Overran ? 1 : 0),
        };
        _sent++;
        _channel!.Send(result.Unit);
        Pump();
    }

    /// <summary>Leaves in order: the unit at hand is finished, and the server has what was sent, before the device stops.</summary>
    private void BeginLeaving()
    {
        _leaving = true;
        Timers.StartSingleTimer(nameof(LeavingLimit), LeavingLimit.Instance, LeavingTime);
        LeaveWhenDone();
    }

    private void LeaveWhenDone()
    {
        if (_leaving && !_computing && _confirmed >= _sent)
        {
            Depart();
        }
    }

    private void Depart()
    {
        TellTrace();
        _node.Server.Tell(new DeviceEvents.Left(_id, _incarnation, _work));
        Stop();
    }

    private void Stop()
    {
        Timers.CancelAll();
        _node.Keeper.Tell(new DeviceNodeActor.DeviceMoved(_id));
        Context.Stop(Self);
    }

    private void TellTrace()
    {
        if (_trace?.Take(_id, _incarnation) is { } told)
        {
            _node.Server.Tell(told);
        }
    }

    private void BeginAnew(string reason)
    {
        if (_leaving)
        {
            Depart();
            return;
        }

        _log.Warning("{Reason}; {Device} begins anew", reason, _id);
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

    /// <summary>Leave in order; sent by the shard region when the device moves to another node, and by the node's keeper when the node leaves.</summary>
    internal sealed record Leave : ILocalMessage
    {
        public static Leave Instance { get; } = new();
    }

    /// <summary>Another node is the server now: greet it.</summary>
    internal sealed record ServerChanged : ILocalMessage
    {
        public static ServerChanged Instance { get; } = new();
    }

    private sealed record LeavingLimit : ILocalMessage
    {
        public static LeavingLimit Instance { get; } = new();
    }

    private sealed record Greet : ILocalMessage
    {
        public static Greet Instance { get; } = new();
    }

    private sealed record Beat : ILocalMessage
    {
        public static Beat Instance { get; } = new();
    }

    private sealed record DataLoaded(IReadOnlyList<EncodedSample> Samples, string Fingerprint) : ILocalMessage;

    private sealed record DataFailed(Exception Error) : ILocalMessage;
}
