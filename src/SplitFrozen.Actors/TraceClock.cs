using System.Diagnostics;

namespace SplitFrozen.Actors;

/// <summary>The time of a node's clock at which something in its trace happened.</summary>
internal static class TraceClock
{
    /// <summary>Microseconds since the Unix epoch at a timestamp of <see cref="Stopwatch"/>.</summary>
    public static long Microseconds(long timestamp)
    {
        var at = DateTimeOffset.UtcNow - Stopwatch.GetElapsedTime(timestamp);
        return (at.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;
    }
}
