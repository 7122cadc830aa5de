using System.Diagnostics;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// How long units are on their way: from when the link was free for them to when the server has confirmed them. Units that follow each other at once are
/// timed from confirmation to confirmation, so that the link's latency counts once. Not thread-safe.
/// </summary>
internal sealed class LinkMeter
{
    private readonly Queue<Written> _open = [];
    private long _confirmedAt;
    private Written? _last;

    /// <summary>A connection begins: what was on its way over an earlier one is not measured.</summary>
    public void Reset() => _open.Clear();

    /// <summary>Begins to write a unit.</summary>
    /// <param name="place">Its place in the life of the device.</param>
    public void Begin(long place)
    {
        _last = new Written(place, Stopwatch.GetTimestamp());
        _open.Enqueue(_last);
    }

    /// <summary>The unit begun last is written whole.</summary>
    public void Wrote(long bytes) => _last!.Bytes = bytes;

    /// <summary>The server has all units before a place.</summary>
    /// <returns>Bytes and seconds of those newly confirmed; zeros where one was confirmed before it was known how large it is.</returns>
    public (long Bytes, double Seconds) Confirmed(long received)
    {
        var now = Stopwatch.GetTimestamp();
        var (bytes, from, isWhole) = (0L, now, true);
        while (_open.TryPeek(out var unit) && unit.Place < received)
        {
            _open.Dequeue();
            from = Math.Min(from, Math.Max(unit.Began, _confirmedAt));
            bytes += unit.Bytes;
            isWhole &= unit.Bytes > 0;
        }

        _confirmedAt = now;
        return isWhole && bytes > 0 ? (bytes, Stopwatch.GetElapsedTime(from, now).TotalSeconds) : default;
    }

    private sealed class Written(long place, long began)
    {
        public long Place => place;

        public long Began => began;

        public long Bytes { get; set; }
    }
}
