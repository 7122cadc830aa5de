namespace SplitFrozen.TestKit.Timing;

/// <summary>
/// The time of a test cluster: it stands still while anything happens, and jumps to the next timer when nothing does. So time-outs cost no real time, however
/// long they are. Nothing happens when no mailbox, connection or model has anything that is not worked off (they tell by <see cref="Begin"/> and <see cref="End"/>), and nothing was
/// noted while others were given the processor; every five seconds of it take a real millisecond besides, so that what has no counter of its own, such as a thread that was just woken, is
/// not left far behind. If something seems at work but nothing was noted for <see cref="Patience"/>, it waits itself, and time goes on as well.
/// </summary>
/// <remarks>Threads are real: in which order things happen at one time is not determined, as little as on a real cluster.</remarks>
internal sealed class ControlledTime : TimeProvider, IDisposable
{
    /// <summary>Real time without a sign of life after which whatever is at work waits for time to pass.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    /// <summary>How often the processor is given to others before it is believed that nothing happens.</summary>
    private const int Yields = 3;

    /// <summary>After so much of its own time it rests for <see cref="Rest"/> of real time.</summary>
    private static readonly TimeSpan RestsAfter = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(1);

    /// <summary>When every run begins, by the clock of the day.</summary>
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly object _gate = new();
    private readonly PriorityQueue<Due, (long At, long Order)> _timers = new();
    private readonly Thread _driver;
    private long _now;
    private long _order;
    private long _events;
    private int _atWork;
    private long _rested;
    private bool _stopped;

    /// <summary>Begins at once.</summary>
    public ControlledTime()
    {
        _driver = new Thread(Drive) { IsBackground = true, Name = "controlled-time" };
        _driver.Start();
    }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Time since the beginning.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Volatile.Read(ref _now));

    /// <inheritdoc/>
    public override long GetTimestamp() => Volatile.Read(ref _now);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Start + Elapsed;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Alarm(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Has something run after a time, on the driver's thread: it must return at once.</summary>
    /// <param name="after">After how long.</param>
    /// <param name="run">What is to run.</param>
    /// <param name="isVoid">Asked when the time has come, and before time passes for it.</param>
    public void Schedule(TimeSpan after, Action run, Func<bool> isVoid)
    {
        lock (_gate)
        {
            _timers.Enqueue(new Due(run, isVoid), (_now + Math.Max(0, after.Ticks), _order++));
            Note();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Work was done that takes so long: time passes at once, and timers that are due by then follow.</summary>
    public void Worked(TimeSpan span)
    {
        lock (_gate)
        {
            _now += span.Ticks;
            Note();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Blocks the calling thread until so much time has passed.</summary>
    /// <param name="span">How long.</param>
    /// <param name="isAtWork">Whether the caller is counted as at work by whoever called it: it is not, meanwhile.</param>
    public void Wait(TimeSpan span, bool isAtWork)
    {
        using var over = new ManualResetEventSlim();
        Schedule(span, () =>
        {
            if (isAtWork)
            {
                Begin();
            }

            over.Set();
        }, () => false);
        if (isAtWork)
        {
            End();
        }

        over.Wait();
    }

    /// <summary>Something has come that is to be worked off.</summary>
    public void Begin() => Count(1);

    /// <summary>It is.</summary>
    public void End() => Count(-1);

    /// <summary>Something is worked on until what this gives is disposed.</summary>
    public IDisposable AtWork()
    {
        Begin();
        return new Work(this);
    }

    /// <summary>Something happens.</summary>
    public void Note() => Interlocked.Increment(ref _events);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        _driver.Join();
    }

    private void Count(int change)
    {
        lock (_gate)
        {
            _atWork += change;
            Note();
            if (_atWork == 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void Drive()
    {
        while (AwaitDue() is { } due)
        {
            due.Run();
        }
    }

    /// <summary>Waits until something is due, or nothing happens and so time passes until something is.</summary>
    /// <returns>null when all is over.</returns>
    private Due? AwaitDue()
    {
        while (true)
        {
            long before;
            lock (_gate)
            {
                if (_stopped)
                {
                    return null;
                }

                if (Next() is { } at && at <= _now)
                {
                    return Take();
                }

                before = Interlocked.Read(ref _events);
                AwaitQuiet();
            }

            for (var yielded = 0; yielded < Yields; yielded++)
            {
                Thread.Yield();
            }

            lock (_gate)
            {
                if (before == Interlocked.Read(ref _events) && !_stopped && Take() is { } due)
                {
                    return due;
                }
            }
        }
    }

    /// <summary>Waits while something is at work, or there is nothing to wait for; the lock is released meanwhile.</summary>
    private void AwaitQuiet()
    {
        if (Next() is null)
        {
            Monitor.Wait(_gate);
        }
        else if (_atWork > 0)
        {
            Monitor.Wait(_gate, Patience);
        }
        else if (_now - _rested >= RestsAfter.Ticks)
        {
            _rested = _now;
            Monitor.Wait(_gate, Rest);
        }
    }

    /// <summary>When the next timer is due; those that are void are dropped.</summary>
    private long? Next()
    {
        while (_timers.TryPeek(out var due, out var when))
        {
            if (!due.IsVoid())
            {
                return when.At;
            }

            _timers.Dequeue();
        }

        return null;
    }

    private Due? Take()
    {
        if (Next() is not { } at)
        {
            return null;
        }

        _now = Math.Max(_now, at);
        Note();
        return _timers.Dequeue();
    }

    private sealed class Work(ControlledTime time) : IDisposable
    {
        public void Dispose() => time.End();
    }

    private sealed record Due(Action Run, Func<bool> IsVoid);

    /// <summary>A timer of the clock.</summary>
    private sealed class Alarm(ControlledTime time, Action callback) : ITimer
    {
        private long _generation;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var generation = Interlocked.Increment(ref _generation);
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Arm(generation, dueTime, period);
            }

            return true;
        }

        public void Dispose() => Interlocked.Increment(ref _generation);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(long generation, TimeSpan after, TimeSpan period) => time.Schedule(
            after,
            () =>
            {
                if (period > TimeSpan.Zero)
                {
                    Arm(generation, period, period);
                }

                callback();
            },
            () => Interlocked.Read(ref _generation) != generation);
    }
}
