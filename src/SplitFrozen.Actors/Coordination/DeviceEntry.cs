using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>What the coordinator knows of one device.</summary>
internal sealed class DeviceEntry(DeviceId id)
{
    private readonly SortedDictionary<GrantId, GrantProgress> _open = [];
    private readonly SortedSet<GrantId> _asked = [];
    private readonly Queue<(GrantId Grant, int[] Samples)> _held = [];
    private WorkDone _earlier;
    private WorkDone _current;
    private (GrantId Oldest, long Placed)? _looked;

    public DeviceId Id { get; } = id;

    /// <summary>The actor that speaks for the device, or null while it is lost.</summary>
    public IActorRef? Ref { get; set; }

    public Incarnation Incarnation { get; private set; }

    public string Node { get; set; } = "";

    /// <summary>Samples it has, or null until it is prepared.</summary>
    public int? Samples { get; set; }

    public Capacity Capacity { get; set; }

    public AllocationEpoch Allocation { get; set; }

    public int Layers { get; set; }

    /// <summary>The allocation with which the device says that it runs, in this life.</summary>
    public AllocationEpoch Confirmed { get; set; }

    /// <summary>Whether this life of the device was told its layers.</summary>
    public bool IsTold { get; set; }

    /// <summary>When it was told them last, as a timestamp.</summary>
    public long ToldAt { get; set; }

    /// <summary>When its capacity was recorded last, as a timestamp, or null.</summary>
    public long? RecordedAt { get; set; }

    /// <summary>When anything was heard of it, as a timestamp.</summary>
    public long HeardAt { get; private set; }

    /// <summary>When another device first asked for its id, as a timestamp, or null.</summary>
    public long? ChallengedAt { get; set; }

    /// <summary>The last grant over which an alarm was raised.</summary>
    public GrantId? Alarmed { get; set; }

    /// <summary>What all lives of the device did.</summary>
    public WorkDone Work => _earlier + _current;

    /// <summary>Units granted to it in grants that are not complete, with when the oldest went out, or null.</summary>
    public OpenWork? Open => _open.Count == 0 ? null : new OpenWork(_open.First().Key, _open.Sum(g => g.Value.Samples.Length - g.Value.Placed), _open.First().Value.OpenedAt);

    public string Reason { get; set; } = "";

    /// <summary>Whether its data lives on its node only.</summary>
    public bool IsPinned { get; set; }

    public bool Finished { get; set; }

    /// <summary>Whether it did not return in time, and training goes on without it until it does.</summary>
    public bool IsStruck { get; set; }

    /// <summary>Whether it did not return in time, and what it owes was put to the end of the epoch.</summary>
    public bool IsAwaitedAtEnd { get; set; }

    /// <summary>Whether this life of the device has told its samples and capacity.</summary>
    public bool IsPrepared { get; set; }

    /// <summary>How far the server's clock is ahead of the device's, message delivery included, or null while unknown.</summary>
    public TimeSpan? ClockOffset { get; set; }

    /// <summary>Fingerprint of its data, or null until it is prepared.</summary>
    public string? DataFingerprint { get; set; }

    /// <summary>Its samples that are in the activation store, as last reported.</summary>
    public int Stored { get; set; }

    /// <summary>Whether training goes on without it: all its samples are stored, and none is asked from it.</summary>
    public bool IsSpare => Samples is { } samples && Stored == samples && _open.Count == 0;

    /// <summary>Samples that came from the store instead of from the device.</summary>
    public long SuppliedSamples { get; private set; }

    /// <summary>Bytes that it did not have to send for them.</summary>
    public long SavedBytes { get; private set; }

    /// <summary>Floating-point operations of one block that it did not have to run for them.</summary>
    public double SavedBlockFlops { get; private set; }

    /// <summary>Units of this life that were placed.</summary>
    public long PlacedUnits { get; private set; }

    /// <summary>Begins a life of the device; what earlier ones did stays in its totals.</summary>
    public void Begin(Incarnation incarnation, IActorRef actor, string node)
    {
        if (incarnation != Incarnation)
        {
            _earlier = _earlier + _current;
            _current = default;
            PlacedUnits = 0;
            (IsPrepared, IsTold, Confirmed) = (false, false, default);
        }

        (Incarnation, Ref, Node, IsAwaitedAtEnd) = (incarnation, actor, node, false);
    }

    /// <summary>Another actor may speak for the device: the one that did may have been lost with its node, which is noticed late.</summary>
    /// <param name="asker">Who asks for the device's id.</param>
    /// <param name="heartbeatMilliseconds">Interval of signs of life.</param>
    public HolderState Challenge(IActorRef asker, int heartbeatMilliseconds)
    {
        if (Ref is null || Ref.Equals(asker))
        {
            ChallengedAt = null;
            return HolderState.Known;
        }

        ChallengedAt ??= Stopwatch.GetTimestamp();
        if (HeardAt > ChallengedAt)
        {
            return HolderState.Known;
        }

        if (Stopwatch.GetElapsedTime(ChallengedAt.Value) <= TimeSpan.FromMilliseconds(Math.Max(3000, 3 * heartbeatMilliseconds)))
        {
            return HolderState.Unsure;
        }

        ChallengedAt = null;
        return HolderState.Silent;
    }

    /// <summary>What of a life that is prepared contradicts earlier ones, with what to do; or null.</summary>
    public string? Contradiction(DeviceEvents.Prepared prepared) =>
        Samples is { } before && before != prepared.Samples
            ? $"it came back with {prepared.Samples} samples instead of {before}; a device must return with the data it left with"
        : DataFingerprint is { } data && data != prepared.DataFingerprint
            ? "it came back with other data; a device must return with the data it left with" : null;

    public void Report(WorkDone work) => _current = work;

    /// <summary>Something was heard of it.</summary>
    public void Heard() => HeardAt = Stopwatch.GetTimestamp();

    /// <summary>Its samples of a grant and when they were asked for, or null where none is missing.</summary>
    public (int Samples, long OpenedAt)? Missing(GrantId id) => _open.TryGetValue(id, out var grant) ? (grant.Samples.Length, grant.OpenedAt) : null;

    /// <summary>Opens a grant and gives the command for it.</summary>
    public DeviceCommands.Grant OpenGrant(GrantId id, int[] samples)
    {
        _open[id] = new GrantProgress(samples);
        return Command(id, _open[id]);
    }

    /// <summary>
    /// Samples are to be asked from the store. While some of an earlier epoch are still on their way, the order is held: they may be the same, and will be stored then.
    /// </summary>
    /// <returns>Whether to ask now.</returns>
    public bool Ask(GrantId grant, int[] samples)
    {
        if (_held.Count > 0 || IsWaitedFor(grant))
        {
            _held.Enqueue((grant, samples));
            return false;
        }

        _asked.Add(grant);
        return true;
    }

    /// <summary>Takes out the next held order that need not wait any more, or null.</summary>
    public (GrantId Grant, int[] Samples)? NextHeld()
    {
        if (!_held.TryPeek(out var order) || IsWaitedFor(order.Grant))
        {
            return null;
        }

        _held.Dequeue();
        _asked.Add(order.Grant);
        return order;
    }

    /// <summary>Samples came from the store.</summary>
    public void Supplied(GrantId grant, int samples, long bytes, double blockFlops)
    {
        _asked.Remove(grant);
        SuppliedSamples += samples;
        SavedBytes += bytes;
        SavedBlockFlops += blockFlops;
    }

    /// <summary>Nothing that was granted is waited for any more.</summary>
    public void Strike()
    {
        IsStruck = true;
        _open.Clear();
        _held.Clear();
    }

    /// <summary>The commands for all grants that are not complete, in the order of the plan.</summary>
    public IEnumerable<DeviceCommands.Grant> Outstanding() => _open.Select(g => Command(g.Key, g.Value));

    /// <summary>
    /// Looks whether anything was placed of the grants that were open when this was asked last.
    /// </summary>
    /// <returns>Whether nothing was: a message to or from the device may be lost.</returns>
    public bool LooksStalled()
    {
        var before = _looked;
        _looked = _open.Count == 0 ? null : (_open.First().Key, PlacedUnits);
        return _looked is not null && before == _looked;
    }

    /// <summary>Notes that a unit of a grant was placed.</summary>
    public void Placed(GrantId id, int unit, int samples)
    {
        PlacedUnits++;
        if (_open.TryGetValue(id, out var grant) && grant.Units.Add(unit) && (grant.Placed += samples) >= grant.Samples.Length)
        {
            _open.Remove(id);
        }
    }

    public DeviceSummary Summary()
    {
        var work = _earlier + _current;
        return new DeviceSummary(
            Id.Value, Node, Layers, Reason, Samples ?? 0, work.ForwardedSamples, work.Flops, work.BytesSent, work.BusySeconds, work.Overruns, work.Operations)
        {
            BytesReceived = work.BytesReceived,
        };
    }

    private bool IsWaitedFor(GrantId grant) =>
        (_asked.Count > 0 && _asked.Min.Epoch < grant.Epoch) || (_open.Count > 0 && _open.First().Key.Epoch < grant.Epoch);

    private DeviceCommands.Grant Command(GrantId id, GrantProgress grant) => new(Id, Incarnation, id, grant.Samples, [.. grant.Units]);

    private sealed class GrantProgress(int[] samples)
    {
        public long OpenedAt { get; } = Stopwatch.GetTimestamp();

        public int[] Samples { get; } = samples;

        public SortedSet<int> Units { get; } = [];

        public int Placed { get; set; }
    }
}

/// <summary>What is known of the actor that speaks for a device.</summary>
internal enum HolderState
{
    /// <summary>It is alive, or there is none.</summary>
    Known,

    /// <summary>That is not known yet.</summary>
    Unsure,

    /// <summary>Nothing was heard of it any more.</summary>
    Silent,
}

/// <summary>What a device was granted and the server does not have.</summary>
/// <param name="Oldest">The oldest grant of these.</param>
/// <param name="Samples">Samples of all of them.</param>
/// <param name="Since">When the oldest went out, as a timestamp.</param>
internal readonly record struct OpenWork(GrantId Oldest, int Samples, long Since);
