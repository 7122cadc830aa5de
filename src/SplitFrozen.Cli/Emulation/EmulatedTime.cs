using System.Diagnostics;

namespace SplitFrozen.Cli.Emulation;

/// <summary>Emulated work on a thread of its own. Operations that follow each other at once are timed from the end of the one before, so that waits which last too long do not add up.</summary>
internal sealed class EmulatedTime
{
    private static readonly long Slack = Stopwatch.Frequency / 200;
    private long _freeAt;

    /// <summary>Waits as long as the work takes.</summary>
    /// <param name="seconds">Seconds of work.</param>
    public void Spend(double seconds)
    {
        var now = Stopwatch.GetTimestamp();
        _freeAt = (now - _freeAt < Slack ? _freeAt : now) + (long)(seconds * Stopwatch.Frequency);
        if (_freeAt > now)
        {
            Thread.Sleep(Stopwatch.GetElapsedTime(now, _freeAt));
        }
    }
}
