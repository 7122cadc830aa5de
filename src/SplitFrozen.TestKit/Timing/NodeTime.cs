namespace SplitFrozen.TestKit.Timing;

/// <summary>The clocks of one node: timers and timestamps are the cluster's, the clock of the day may be set.</summary>
/// <param name="cluster">The cluster's time.</param>
internal sealed class NodeTime(TimeProvider cluster) : TimeProvider
{
    private long _ahead;

    /// <inheritdoc/>
    public override long TimestampFrequency => cluster.TimestampFrequency;

    /// <summary>Sets the clock of the day on, or back where <paramref name="by"/> is negative.</summary>
    public void Jump(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);

    /// <inheritdoc/>
    public override long GetTimestamp() => cluster.GetTimestamp();

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => cluster.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        cluster.CreateTimer(callback, state, dueTime, period);
}
