using System.Diagnostics;

using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Devices;

/// <summary>Remembers when a device ran and sent units, until that is told to the server.</summary>
internal sealed class DeviceTrace
{
    private readonly List<(long Start, long Duration, bool IsTransfer)> _spans = [];
    private readonly Queue<long> _queued = [];
    private long _linkFreeAt;

    /// <summary>A unit was run, and now waits for the link.</summary>
    public void Ran(double seconds)
    {
        var now = Stopwatch.GetTimestamp();
        Note(now - (long)(seconds * Stopwatch.Frequency), now, isTransfer: false);
        _queued.Enqueue(now);
    }

    /// <summary>The unit that waited longest was written whole.</summary>
    public void Sent()
    {
        var now = Stopwatch.GetTimestamp();
        if (_queued.TryDequeue(out var queued))
        {
            Note(Math.Max(queued, _linkFreeAt), now, isTransfer: true);
            _linkFreeAt = now;
        }
    }

    /// <summary>Takes out what was remembered, or null where there is nothing.</summary>
    public DeviceEvents.Traced? Take(DeviceId device, Incarnation incarnation)
    {
        if (_spans.Count == 0)
        {
            return null;
        }

        var told = new DeviceEvents.Traced(
            device, incarnation, TraceClock.Microseconds(Stopwatch.GetTimestamp()), [.. _spans.Select(s => s.Start)], [.. _spans.Select(s => s.Duration)],
            [.. _spans.Select(s => s.IsTransfer)]);
        _spans.Clear();
        return told;
    }

    private void Note(long start, long end, bool isTransfer) =>
        _spans.Add((TraceClock.Microseconds(start), (long)Stopwatch.GetElapsedTime(start, end).TotalMicroseconds, isTransfer));
}
