namespace SplitFrozen.Actors.Channel;

/// <summary>Waiting by a clock that may be a test's.</summary>
internal static class Pauses
{
    /// <summary>Blocks the calling thread, which is to be one of its own.</summary>
    public static void Pause(this TimeProvider time, TimeSpan span)
    {
        using var over = new ManualResetEventSlim();
        using var timer = time.CreateTimer(state => ((ManualResetEventSlim)state!).Set(), over, span, Timeout.InfiniteTimeSpan);
        over.Wait();
    }

    /// <summary>The same, until the time is over or <paramref name="stop"/> is cancelled.</summary>
    public static void Pause(this TimeProvider time, TimeSpan span, CancellationToken stop)
    {
        using var over = new ManualResetEventSlim();
        using var timer = time.CreateTimer(state => ((ManualResetEventSlim)state!).Set(), over, span, Timeout.InfiniteTimeSpan);
        using var stopped = stop.Register(over.Set);
        over.Wait(CancellationToken.None);
    }
}
