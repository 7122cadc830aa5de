namespace SplitFrozen.TestKit.Timing;

/// <summary>Waiting by whichever clock a cluster has.</summary>
internal static class Waits
{
    /// <summary>Blocks the calling thread.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="span">How long.</param>
    /// <param name="isAtWork">Whether the caller is counted as at work, being in an actor.</param>
    public static void Block(this TimeProvider time, TimeSpan span, bool isAtWork)
    {
        if (time is ControlledTime controlled)
        {
            controlled.Wait(span, isAtWork);
        }
        else
        {
            Thread.Sleep(span);
        }
    }

    /// <summary>Has something run once after a time, on a thread that must not be held up.</summary>
    public static void After(this TimeProvider time, TimeSpan span, Action run)
    {
        ITimer? timer = null;
        timer = time.CreateTimer(
            _ =>
            {
                timer?.Dispose();
                run();
            },
            null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(span, Timeout.InfiniteTimeSpan);
    }
}
