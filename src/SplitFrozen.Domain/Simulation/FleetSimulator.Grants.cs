using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Store;

namespace SplitFrozen.Domain.Simulation;

/// <summary>Grants: what is stored is placed without its device, the rest goes out to the devices in units.</summary>
public sealed partial class FleetSimulator
{
    /// <summary>Null where nothing is kept, and in a run of one epoch, in which nothing is needed twice: its samples need not be remembered.</summary>
    private readonly StoreState? _store;

    private void OpenGrants()
    {
        foreach (var id in _window.Open())
        {
            foreach (var (device, positions) in SamplesByDevice(Book(id.Epoch), id.Number))
            {
                Request(device, id.Epoch, positions);
            }
        }
    }

    /// <summary>Grants samples to their device, or first asks the store for them.</summary>
    private void Request(int device, int epoch, List<int> positions)
    {
        if (_store is null || _devices[device].IsStruck)
        {
            Grant(device, epoch, positions);
        }
        else if (!_devices[device].Hold(epoch, positions))
        {
            Ask(device, epoch, positions);
        }
    }

    private void AskHeld(int device)
    {
        while (_devices[device].NextHeld() is var (epoch, positions))
        {
            Ask(device, epoch, positions);
        }
    }

    /// <summary>Places what is stored of a grant, in no time, and grants the rest.</summary>
    private void Ask(int device, int epoch, List<int> positions)
    {
        var book = Book(epoch);
        var (stored, missing) = (new List<int>(), new List<int>());
        foreach (var position in positions)
        {
            (_store!.Supply(Sample(device, book, position), epoch) ? stored : missing).Add(position);
        }

        book.Settle(stored, isStruck: false);
        book.Supplied += stored.Count;
        if (missing.Count > 0)
        {
            Grant(device, epoch, missing);
        }
    }

    private void Grant(int device, int epoch, List<int> positions)
    {
        var units = Cut(device, epoch, positions);
        _devices[device].Open(units);

        // A device that was not waited for, since all its samples were stored, is struck when one is there no more: its node was given up long ago.
        if (_nodes[NodeOf(device)].IsLost)
        {
            Strike(device);
        }
        else
        {
            _events.Add(Latency(device), new PendingEvent(SimulatedEvent.GrantArrives, device, _nodes[NodeOf(device)].Life, Units: units));
        }
    }

    private void Keep(FleetUnit unit, EpochBook book)
    {
        if (_store is null)
        {
            return;
        }

        foreach (var position in unit.Positions)
        {
            var sample = Sample(unit.Device, book, position);
            _store.Keep(sample, _spec.Devices[unit.Device].Lengths[sample.Index], unit.Epoch);
        }
    }

    private StoredSample Sample(int device, EpochBook book, int position) => new(_spec.Devices[device].Id, book.SampleAt(position).Index);

    /// <summary>Whether training can go on without a device: from the second epoch on, where all its samples are stored and none is under way.</summary>
    private bool IsSpare(int device) =>
        _store is not null && _epoch > 0 && !_devices[device].HasOpen && _store.HasAll(_spec.Devices[device].Id, _spec.Devices[device].Lengths.Length);

    /// <summary>The places of a grant's samples in the plan, by device, in one pass over the grant.</summary>
    private static SortedDictionary<int, List<int>> SamplesByDevice(EpochBook book, int grant)
    {
        var byDevice = new SortedDictionary<int, List<int>>();
        var position = book.Plan.BatchesOf(grant).First * book.Plan.BatchSize;
        foreach (var sample in book.Plan.GrantSamples(grant))
        {
            var device = book.Devices[sample.Device];
            if (!byDevice.TryGetValue(device, out var positions))
            {
                byDevice[device] = positions = [];
            }

            positions.Add(position++);
        }

        return byDevice;
    }

    private List<FleetUnit> Cut(int device, int epoch, List<int> positions)
    {
        var (all, book) = (_spec.Devices[device].Lengths, Book(epoch));
        var lengths = new int[positions.Count];
        for (var i = 0; i < lengths.Length; i++)
        {
            lengths[i] = all[book.SampleAt(positions[i]).Index];
        }

        var units = new List<FleetUnit>();
        foreach (var range in ForwardUnits.Cut(lengths, _spec.Pipeline.UnitTokens))
        {
            var (start, count) = range.GetOffsetAndLength(lengths.Length);
            var own = lengths.AsSpan(start, count);
            units.Add(new FleetUnit(
                device, epoch, _unitsGranted++, [.. positions[range]], Sum(own), _spec.Costs.FrozenBlock(own)));
        }

        return units;
    }
}
