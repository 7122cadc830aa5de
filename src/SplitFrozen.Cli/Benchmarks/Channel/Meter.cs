using System.Diagnostics;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>Takes the sustained rate: from when every sender's first frame has come to the last frame.</summary>
internal sealed class Meter(int senders, long frameBytes)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _seen = [];
    private long _began;
    private long _last;
    private long _frames;

    /// <summary>Frames that came in all.</summary>
    public long Frames { get; private set; }

    /// <summary>A frame of a sender came.</summary>
    public void Frame(string sender)
    {
        lock (_gate)
        {
            Frames++;
            _last = Stopwatch.GetTimestamp();
            if (_began != 0)
            {
                _frames++;
            }
            else if (_seen.Add(sender) && _seen.Count == senders)
            {
                _began = _last;
            }
        }
    }

    /// <summary>Megabytes (10⁶) a second.</summary>
    public double MegabytesPerSecond
    {
        get
        {
            lock (_gate)
            {
                return _frames * frameBytes / 1e6 / Stopwatch.GetElapsedTime(_began, _last).TotalSeconds;
            }
        }
    }
}
