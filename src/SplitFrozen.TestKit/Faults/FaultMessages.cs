using System.Runtime.Serialization;

using Akka.Actor;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

using SplitFrozen.Actors;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;
using SplitFrozen.TestKit.Timing;

namespace SplitFrozen.TestKit.Faults;

/// <summary>What waits for an actor; of a device or the server's supervisor, after faults have struck it.</summary>
public sealed class FaultMessages : IMessageQueue, IUnboundedDequeBasedMessageQueueSemantics
{
    /// <summary>How long a message that is to change places waits for the next one.</summary>
    private static readonly TimeSpan ReorderLimit = TimeSpan.FromMilliseconds(200);

    private readonly MessageDeque _inner;
    private readonly Lock _gate = new();
    private readonly FaultPoint? _point;
    private readonly ActorSystem _system;
    private readonly List<(DeviceId? Device, Envelope Envelope)> _waiting = [];
    private Envelope? _swapped;
    private bool _paused;

    internal FaultMessages(FaultPoint? point, ActorSystem system)
    {
        (_point, _system) = (point, system);
        _inner = new MessageDeque(() => Extension?.Time);
    }

    /// <inheritdoc/>
    public bool HasMessages => _inner.HasMessages;

    /// <inheritdoc/>
    public int Count => _inner.Count;

    /// <summary>Null while the system starts.</summary>
    private FaultExtension? Extension => _system.TryGetExtension<FaultExtension>(out var extension) ? extension : null;

    /// <inheritdoc/>
    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        if (_point is not { } point || Extension is not { Injector: { } faults } extension)
        {
            _inner.Enqueue(envelope);
            return;
        }

        lock (_gate)
        {
            switch (envelope.Message)
            {
                case Passed passed:
                    _inner.Enqueue(new Envelope(passed.Message, envelope.Sender));
                    break;
                case Release release:
                    ReleaseWaiting(release);
                    break;
                case ReleaseSwapped:
                    PassSwapped();
                    break;
                case IWithDeviceId message and IWireMessage and not (DeviceEvents.Heartbeat or DeviceEvents.Traced):
                    Strike(point, faults, extension, receiver, envelope, message.Device);
                    break;
                default:
                    PassOrWait(faults, receiver, envelope, (envelope.Message as IWithDeviceId)?.Device);
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public void EnqueueFirst(Envelope envelope) => _inner.EnqueueFirst(envelope);

    /// <inheritdoc/>
    public bool TryDequeue(out Envelope envelope) => _inner.TryDequeue(out envelope);

    /// <inheritdoc/>
    public void CleanUp(IActorRef owner, IMessageQueue deadletters)
    {
        while (_inner.TryDequeue(out var left))
        {
            deadletters.Enqueue(owner, left);
        }
    }

    private void Strike(FaultPoint point, FaultInjector faults, FaultExtension extension, IActorRef receiver, Envelope envelope, DeviceId device)
    {
        var site = new FaultSite(point, FaultActivity.Message, device, envelope.Message.GetType().Name);
        if (point == FaultPoint.ToDevice && faults.Pass(site with { Point = FaultPoint.Device }) is { } fault)
        {
            StrikeDevice(fault, faults, extension, receiver, device);
        }

        var rule = faults.Pass(site);
        switch (rule?.Kind)
        {
            case FaultKind.Drop:
                return;
            case FaultKind.Corrupt:
                faults.Damaged(IsRefusedWhenCut(envelope.Message));
                return;
            case FaultKind.Partition:
                faults.Cut(device, rule.For, point);
                break;
            case FaultKind.Delay:
                Later(rule.For, receiver, new Passed(envelope.Message), envelope.Sender);
                return;
            case FaultKind.Duplicate:
                PassOrWait(faults, receiver, envelope, device);
                break;
            case FaultKind.Reorder:
                PassSwapped();
                _swapped = envelope;
                Later(ReorderLimit, receiver, ReleaseSwapped.Instance, envelope.Sender);
                return;
        }

        PassOrWait(faults, receiver, envelope, device);
        PassSwapped();
    }

    private void StrikeDevice(FaultRule rule, FaultInjector faults, FaultExtension extension, IActorRef receiver, DeviceId device)
    {
        switch (rule.Kind)
        {
            case FaultKind.Crash:
                extension.Crash(device, rule.For);
                break;
            case FaultKind.ClockJump:
                faults.TimeOf(device).Jump(rule.For);
                break;
            case FaultKind.Partition:
                faults.Cut(device, rule.For, FaultPoint.ToServer, FaultPoint.ToDevice);
                break;
            case FaultKind.Pause:
                _paused = true;
                Later(rule.For, receiver, new Release(null), ActorRefs.NoSender);
                break;
        }
    }

    /// <summary>Hands a message on, unless its device is cut off or the actor stands still: then it waits, in order.</summary>
    private void PassOrWait(FaultInjector faults, IActorRef receiver, Envelope envelope, DeviceId? device)
    {
        if (_paused || (device is not null && _waiting.Exists(w => w.Device == device)))
        {
            _waiting.Add((device, envelope));
        }
        else if (device is { } id && faults.CutFor(id, _point!.Value) is var left && left > TimeSpan.Zero)
        {
            _waiting.Add((device, envelope));
            Later(left, receiver, new Release(id), ActorRefs.NoSender);
        }
        else
        {
            _inner.Enqueue(envelope);
        }
    }

    private void ReleaseWaiting(Release release)
    {
        _paused = release.Device is not null && _paused;
        var free = _waiting.Where(w => !_paused && (release.Device is null || w.Device == release.Device)).ToList();
        _waiting.RemoveAll(free.Contains);
        free.ForEach(w => _inner.Enqueue(w.Envelope));
    }

    private void PassSwapped()
    {
        if (_swapped is { } swapped)
        {
            _swapped = null;
            _inner.Enqueue(swapped);
        }
    }

    /// <summary>Not by the system's scheduler, which would wrap the message.</summary>
    private void Later(TimeSpan after, IActorRef receiver, object message, IActorRef? sender) =>
        ((TimeProvider?)Extension?.Time ?? TimeProvider.System).After(after, () => receiver.Tell(message, sender));

    /// <summary>Sends the message's bytes through its serializer, cut short.</summary>
    private bool IsRefusedWhenCut(object message)
    {
        var serializer = _system.Serialization.FindSerializerFor(message);
        var bytes = serializer.ToBinary(message);
        try
        {
            serializer.FromBinary(bytes[..(bytes.Length / 2)], message.GetType());
            return false;
        }
        catch (SerializationException)
        {
            return true;
        }
    }

    private sealed record Passed(object Message) : ILocalMessage;

    private sealed record Release(DeviceId? Device) : ILocalMessage;

    private sealed record ReleaseSwapped : ILocalMessage
    {
        public static ReleaseSwapped Instance { get; } = new();
    }
}
