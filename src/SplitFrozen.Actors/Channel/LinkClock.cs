using System.Diagnostics;

using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// When bytes arrive over an emulated link: they leave one after another at its rate, each when those before have left, and arrive its latency later. What is
/// under way at the same time shares the latency, not the rate. Times are timestamps (<see cref="Stopwatch"/>).
/// </summary>
/// <param name="megabits">Rate in 10⁶ bits a second, or null: any number of bytes leaves at once.</param>
/// <param name="latency">Time from leaving to arriving.</param>
internal sealed class LinkClock(double? megabits, TimeSpan latency)
{
    private readonly double _ticksPerByte = megabits is { } rate ? 8 * Stopwatch.Frequency / (rate * 1e6) : 0;
    private readonly long _latencyTicks = (long)(latency.TotalSeconds * Stopwatch.Frequency);

    /// <summary>A link that delays nothing.</summary>
    public static LinkClock Unlimited() => new(null, TimeSpan.Zero);

    /// <summary>The times of a link between server nodes.</summary>
    public static LinkClock Of(ServerLink link) => new(link.Megabits > 0 ? link.Megabits : null, TimeSpan.FromSeconds(link.LatencySeconds));

    /// <summary>When the last byte left.</summary>
    public long LeftAt { get; private set; }

    /// <summary>Sends bytes.</summary>
    /// <param name="came">When they came to the link.</param>
    /// <param name="bytes">How many.</param>
    /// <returns>When the last of them arrives.</returns>
    public long Send(long came, int bytes)
    {
        LeftAt = Math.Max(came, LeftAt) + (long)(bytes * _ticksPerByte);
        return LeftAt + _latencyTicks;
    }
}
