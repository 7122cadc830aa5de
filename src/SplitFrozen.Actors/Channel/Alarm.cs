namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Wakes who waits on a monitor when a time is over, and says so for good: a waiter that went by the clock could find the time not quite over when it is woken, and be woken no more.
/// </summary>
internal sealed class Alarm : IDisposable
{
    private readonly object _gate;
    private readonly ITimer _timer;

    /// <summary>Begins at once.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="span">When it rings.</param>
    /// <param name="gate">The monitor that is pulsed.</param>
    public Alarm(TimeProvider time, TimeSpan span, object gate)
    {
        _gate = gate;
        _timer = time.CreateTimer(_ => Ring(), null, span, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether the time is over; to be read within the monitor.</summary>
    public bool HasRung { get; private set; }

    /// <summary>It does not ring any more.</summary>
    public void Dispose() => _timer.Dispose();

    private void Ring()
    {
        lock (_gate)
        {
            HasRung = true;
            Monitor.PulseAll(_gate);
        }
    }
}
