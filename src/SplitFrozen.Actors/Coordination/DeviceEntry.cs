using Akka.Actor;

using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>What the coordinator knows of one device.</summary>
internal sealed class DeviceEntry(DeviceId id)
{
    private readonly SortedDictionary<GrantId, OpenGrant> _open = [];
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

    public string Reason { get; set; } = "";

    public bool Finished { get; set; }

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
            _earlier = Add(_earlier, _current);
            _current = default;
            PlacedUnits = 0;
            IsPrepared = false;
        }

        (Incarnation, Ref, Node) = (incarnation, actor, node);
    }

    public void Report(WorkDone work) => _current = work;

    /// <summary>Opens a grant and gives the command for it.</summary>
    public DeviceCommands.Grant Open(GrantId id, int[] samples)
    {
        _open[id] = new OpenGrant(samples);
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
        var work = Add(_earlier, _current);
        return new DeviceSummary(
            Id.Value, Node, Layers, Reason, Samples ?? 0, work.ForwardedSamples, work.Flops, work.BytesSent, work.BusySeconds, work.Overruns, work.Operations);
    }

    private static WorkDone Add(WorkDone a, WorkDone b) => new(
        a.ForwardedSamples + b.ForwardedSamples, a.ForwardedTokens + b.ForwardedTokens, a.Flops + b.Flops, a.BytesSent + b.BytesSent,
        a.BusySeconds + b.BusySeconds, a.Operations + b.Operations, a.Overruns + b.Overruns);

    private bool IsWaitedFor(GrantId grant) =>
        (_asked.Count > 0 && _asked.Min.Epoch < grant.Epoch) || (_open.Count > 0 && _open.First().Key.Epoch < grant.Epoch);

    private DeviceCommands.Grant Command(GrantId id, OpenGrant grant) => new(Id, Incarnation, id, grant.Samples, [.. grant.Units]);

    private sealed class OpenGrant(int[] samples)
    {
        public int[] Samples { get; } = samples;

        public SortedSet<int> Units { get; } = [];

        public int Placed { get; set; }
    }
}
