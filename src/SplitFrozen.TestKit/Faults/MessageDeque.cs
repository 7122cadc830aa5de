using Akka.Actor;

using SplitFrozen.TestKit.Timing;

namespace SplitFrozen.TestKit.Faults;

/// <summary>What waits for an actor. While there is anything, or the actor is busy with the last of it, that counts as at work.</summary>
/// <param name="time">Told of that; gives null where nobody wants to know.</param>
internal sealed class MessageDeque(Func<ControlledTime?> time)
{
    private readonly Lock _gate = new();
    private readonly Queue<Envelope> _messages = [];
    private readonly Stack<Envelope> _first = [];
    private ControlledTime? _told;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _messages.Count + _first.Count;
            }
        }
    }

    /// <summary>Whether there is anything; asked by the actor's own thread when it would rest.</summary>
    public bool HasMessages
    {
        get
        {
            lock (_gate)
            {
                return _messages.Count + _first.Count > 0 || Rest();
            }
        }
    }

    public void Enqueue(Envelope envelope)
    {
        lock (_gate)
        {
            _messages.Enqueue(envelope);
            Work();
        }
    }

    public void EnqueueFirst(Envelope envelope)
    {
        lock (_gate)
        {
            _first.Push(envelope);
            Work();
        }
    }

    public bool TryDequeue(out Envelope envelope)
    {
        lock (_gate)
        {
            return _first.TryPop(out envelope) || _messages.TryDequeue(out envelope) || Rest();
        }
    }

    private void Work()
    {
        if (_told is null && time() is { } clock)
        {
            _told = clock;
            clock.Begin();
        }
    }

    /// <returns>false.</returns>
    private bool Rest()
    {
        _told?.End();
        _told = null;
        return false;
    }
}
