using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Store;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Shuffle;

/// <summary>Samples whose activations are stored are placed without their devices.</summary>
internal sealed partial class ShuffleActor
{
    private void SupplyFromStore()
    {
        Receive<AdmitData>(m => Context.Parent.Tell(new StoredCount(m.Device, _store!.Admit(m.Device, m.Fingerprint, m.Samples))));
        Receive<ReportStore>(m => Context.Parent.Tell(new StoreReport(
            m.Devices.ToDictionary(d => d.Key, d => _store!.Count(d.Key, d.Value)), _store!.Bytes.Memory, _store.Bytes.Disk, _store.Damaged)));
        Receive<Supply>(m => Supplying(new SupplyRest(m, 0, [], [])));
        Receive<SupplyRest>(Supplying);
    }

    /// <summary>Takes one unit's worth out of the store and goes on in a message of its own, so that the trainer does not wait for a whole grant to be read.</summary>
    private void Supplying(SupplyRest rest)
    {
        var (order, next, tokens) = (rest.Order, rest.Next, 0);
        var found = new List<(int Index, StoredActivation Stored)>();
        for (; next < order.Samples.Length && tokens < _unitTokens; next++)
        {
            if (_store!.Find(order.Device, order.Samples[next], order.Grant) is { } stored)
            {
                found.Add((order.Samples[next], stored));
                rest.Lengths.Add(stored.Tokens);
                tokens += stored.Tokens;
            }
            else
            {
                rest.Missing.Add(order.Samples[next]);
            }
        }

        PlaceStored(order, found);
        if (next < order.Samples.Length)
        {
            Self.Tell(rest with { Next = next });
        }
        else
        {
            Context.Parent.Tell(new Supplied(order.Device, order.Grant, [.. rest.Missing], [.. rest.Lengths]));
        }
    }

    private void PlaceStored(Supply order, List<(int Index, StoredActivation Stored)> found)
    {
        if (found.Count == 0)
        {
            return;
        }

        var unit = new ActivationUnit(new UnitHeader(
            order.Device, default, default, order.Grant, 0, _cut, _width, [.. found.Select(f => f.Index)], [.. found.Select(f => f.Stored.Tokens)],
            [.. found.SelectMany(f => f.Stored.Targets)]));
        var to = unit.Values.Span;
        foreach (var (_, stored) in found)
        {
            using (stored)
            {
                stored.Values.CopyTo(to);
                to = to[stored.Values.Length..];
            }
        }

        Announce(order.Grant.Epoch, _epochs[order.Grant.Epoch].Place(unit));
    }

    /// <summary>A device takes part with this data; answered by <see cref="StoredCount"/>.</summary>
    internal sealed record AdmitData(DeviceId Device, string Fingerprint, int Samples) : ILocalMessage;

    /// <summary>How many of a device's samples are stored.</summary>
    internal sealed record StoredCount(DeviceId Device, int Stored) : ILocalMessage;

    /// <summary>Place those samples of a device's part of a grant that are stored; answered by <see cref="Supplied"/>.</summary>
    internal sealed record Supply(DeviceId Device, GrantId Grant, int[] Samples) : ILocalMessage;

    /// <summary>What was stored is placed.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Grant">The grant.</param>
    /// <param name="Missing">Samples that the device must run, in the order of the plan.</param>
    /// <param name="Lengths">Tokens of the samples that were placed.</param>
    internal sealed record Supplied(DeviceId Device, GrantId Grant, int[] Missing, int[] Lengths) : ILocalMessage;

    /// <summary>Say what is stored of these devices, given with their samples.</summary>
    internal sealed record ReportStore(IReadOnlyDictionary<DeviceId, int> Devices) : ILocalMessage;

    /// <summary>What is stored.</summary>
    /// <param name="Stored">Stored samples of each device.</param>
    /// <param name="MemoryBytes">Bytes in memory.</param>
    /// <param name="DiskBytes">Bytes on disk.</param>
    /// <param name="Damaged">Records found damaged so far.</param>
    internal sealed record StoreReport(IReadOnlyDictionary<DeviceId, int> Stored, long MemoryBytes, long DiskBytes, long Damaged) : ILocalMessage;

    /// <summary>The rest of an order; its lists grow on the way, seen by this actor only.</summary>
    private sealed record SupplyRest(Supply Order, int Next, List<int> Missing, List<int> Lengths) : ILocalMessage;
}
