using System.Diagnostics;

namespace SplitFrozen.Actors.Training;

/// <summary>
/// Emulates the rate of a server node for the stages on it, which share it: an operation takes its floating-point operations over the rate, counted from when
/// the emulated node was free or the operation was begun. By how much a wait lasted too long is made good in the next operation. Thread-safe.
/// </summary>
/// <param name="gigaFlops">Rate in 10⁹ floating-point operations a second.</param>
/// <param name="now">The present timestamp; null: that of the machine.</param>
/// <param name="waitUntil">Blocks until a timestamp; null: by the machine's clock.</param>
internal sealed class ServerPace(double gigaFlops, Func<long>? now = null, Action<long>? waitUntil = null)
{
    private readonly Lock _gate = new();
    private readonly Func<long> _now = now ?? Stopwatch.GetTimestamp;
    private readonly Action<long> _waitUntil = waitUntil ?? Channel.ShapedStream.WaitUntil;
    private long _freeAt;
    private long _late;

    /// <summary>Waits until the emulated node would have done an operation; called on the thread that did it.</summary>
    /// <param name="began">Timestamp of its beginning.</param>
    /// <param name="ended">Timestamp of its real end.</param>
    /// <param name="flops">Its floating-point operations.</param>
    /// <returns>Whether it really took longer than emulated.</returns>
    public bool Finish(long began, long ended, double flops)
    {
        var emulated = (long)(flops / (gigaFlops * 1e9) * Stopwatch.Frequency);
        long until;
        lock (_gate)
        {
            until = _freeAt = Math.Max(_freeAt, began - _late) + emulated;
        }

        _waitUntil(until);
        lock (_gate)
        {
            _late = Math.Max(0, _now() - until);
        }

        return ended - began > emulated;
    }
}
