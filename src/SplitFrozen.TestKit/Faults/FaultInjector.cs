using System.Collections.Concurrent;
using System.Diagnostics;

using SplitFrozen.Protocol;

namespace SplitFrozen.TestKit.Faults;

/// <summary>Lets a plan strike a run; shared by all its threads.</summary>
/// <param name="plan">The plan.</param>
public sealed class FaultInjector(FaultPlan plan)
{
    private readonly Lock _gate = new();
    private readonly FaultCursor _cursor = new(plan);
    private readonly ConcurrentQueue<FaultRule> _struck = [];
    private readonly ConcurrentDictionary<DeviceId, long> _cutUntil = [];
    private readonly ConcurrentDictionary<DeviceId, IDisposable> _links = [];

    /// <summary>The faults that have struck, in order.</summary>
    public IReadOnlyList<FaultRule> Struck => [.. _struck];

    /// <summary>Whether every fault has struck.</summary>
    public bool IsDone
    {
        get
        {
            lock (_gate)
            {
                return _cursor.IsDone;
            }
        }
    }

    /// <summary>Control messages that the serializer refused, as their bytes were cut short.</summary>
    public int RefusedMessages => _refusedMessages;

    /// <summary>Control messages that it took though their bytes were cut short.</summary>
    public int AcceptedDamage => _acceptedDamage;

    private int _refusedMessages;
    private int _acceptedDamage;

    /// <summary>Wraps a device's connection to the server's activation channel.</summary>
    /// <exception cref="IOException">The device does not reach the server now.</exception>
    public Stream Link(DeviceId device, Stream stream)
    {
        if (CutFor(device) > TimeSpan.Zero)
        {
            stream.Dispose();
            throw new IOException("the device is cut off");
        }

        _links[device] = stream;
        return new FaultStream(stream, this, device);
    }

    internal FaultRule? Pass(FaultSite site)
    {
        lock (_gate)
        {
            var rule = _cursor.Pass(site);
            if (rule is not null)
            {
                _struck.Enqueue(rule);
            }

            return rule;
        }
    }

    /// <summary>Cuts a device off for a time.</summary>
    internal void Cut(DeviceId device, TimeSpan time)
    {
        _cutUntil[device] = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        if (_links.TryGetValue(device, out var link))
        {
            link.Dispose();
        }
    }

    /// <summary>How long the device is still cut off.</summary>
    internal TimeSpan CutFor(DeviceId device) => _cutUntil.TryGetValue(device, out var until) && until > Stopwatch.GetTimestamp()
        ? Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), until)
        : TimeSpan.Zero;

    internal void Damaged(bool refused)
    {
        if (refused)
        {
            Interlocked.Increment(ref _refusedMessages);
        }
        else
        {
            Interlocked.Increment(ref _acceptedDamage);
        }
    }

    /// <summary>A forward unit or operation begins: it is held up if a fault says so.</summary>
    internal void Compute(FaultPoint point, DeviceId? device)
    {
        if (Pass(new FaultSite(point, FaultActivity.Compute, device, "")) is { } rule)
        {
            Thread.Sleep(rule.For);
        }
    }
}
