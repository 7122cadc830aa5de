using System.Collections.Concurrent;

using SplitFrozen.Protocol;
using SplitFrozen.TestKit.Timing;

namespace SplitFrozen.TestKit.Faults;

/// <summary>Lets a plan strike a run; shared by all its threads.</summary>
public sealed class FaultInjector
{
    private readonly Lock _gate = new();
    private readonly FaultCursor _cursor;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<FaultRule> _struck = [];
    private readonly ConcurrentDictionary<(DeviceId Device, FaultPoint Way), long> _cutUntil = [];
    private readonly ConcurrentDictionary<DeviceId, Stream> _links = [];
    private readonly ConcurrentDictionary<DeviceId, NodeTime> _clocks = [];
    private readonly ConcurrentBag<Stream> _stageLinks = [];
    private long _stagesCutUntil;
    private int _refusedMessages;
    private int _acceptedDamage;

    /// <summary>The faults of a run.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="time">By which they last; null: the machine's.</param>
    public FaultInjector(FaultPlan plan, TimeProvider? time = null)
    {
        (_cursor, _time) = (new FaultCursor(plan), time ?? TimeProvider.System);
        ServerTime = new NodeTime(_time);
    }

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

    internal NodeTime ServerTime { get; }

    /// <summary>Wraps a device's connection to the server's activation channel.</summary>
    /// <exception cref="IOException">The device does not reach the server now.</exception>
    public Stream Link(DeviceId device, Stream stream)
    {
        if (CutFor(device, FaultPoint.ToServer) > TimeSpan.Zero || CutFor(device, FaultPoint.ToDevice) > TimeSpan.Zero)
        {
            stream.Dispose();
            throw new IOException("the device is cut off");
        }

        _links[device] = stream;
        return new FaultStream(stream, this, _time, new FaultSite(FaultPoint.Channel, FaultActivity.Message, device, ""), FrameShape.OfDevice);
    }

    /// <summary>Wraps a connection between two server nodes.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="isDialled">Whether this end has dialled.</param>
    /// <exception cref="IOException">They do not reach each other now.</exception>
    internal Stream StageLink(Stream stream, bool isDialled)
    {
        if (Interlocked.Read(ref _stagesCutUntil) > _time.GetTimestamp())
        {
            stream.Dispose();
            throw new IOException("the server nodes do not reach each other");
        }

        _stageLinks.Add(stream);
        return new FaultStream(
            stream, this, _time, new FaultSite(FaultPoint.Stages, FaultActivity.Message, null, ""), isDialled ? FrameShape.OfStageThatDials : FrameShape.OfStageThatAnswers);
    }

    /// <summary>The clocks of the node that a device lives on.</summary>
    internal NodeTime TimeOf(DeviceId device) => _clocks.GetOrAdd(device, _ => new NodeTime(_time));

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

    /// <summary>Cuts a device off for a time, in one direction of the control plane or in both; the channel breaks either way.</summary>
    internal void Cut(DeviceId device, TimeSpan time, params FaultPoint[] ways)
    {
        foreach (var way in ways)
        {
            _cutUntil[(device, way)] = After(time);
        }

        if (_links.TryGetValue(device, out var link))
        {
            link.Dispose();
        }
    }

    /// <summary>Keeps server nodes from reaching each other for a time.</summary>
    internal void CutStages(TimeSpan time)
    {
        Interlocked.Exchange(ref _stagesCutUntil, After(time));
        foreach (var link in _stageLinks)
        {
            link.Dispose();
        }
    }

    /// <summary>How long the device is still cut off in a direction.</summary>
    internal TimeSpan CutFor(DeviceId device, FaultPoint way) => _cutUntil.TryGetValue((device, way), out var until) && _time.GetTimestamp() is var now && until > now
        ? _time.GetElapsedTime(now, until)
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
    /// <returns>The fault that has struck, or null; a crash is the caller's to make.</returns>
    internal FaultRule? Compute(FaultPoint point, DeviceId? device)
    {
        var rule = Pass(new FaultSite(point, FaultActivity.Compute, device, ""));
        if (rule is { Kind: not FaultKind.Crash })
        {
            _time.Block(rule.For, isAtWork: true);
        }

        return rule;
    }

    private long After(TimeSpan time) => _time.GetTimestamp() + (long)(time.TotalSeconds * _time.TimestampFrequency);
}
