using System.Buffers;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Shuffle;

/// <summary>
/// Holds samples of one epoch that arrive in any order until they are taken. Rows stay in the buffer in which they came until then, so placing copies nothing; a
/// unit's buffer is given back with its last sample. How much lies here is bounded by the coordinator's window.
/// </summary>
internal sealed class ShuffleBuffer : IDisposable
{
    private readonly EpochPlan _plan;
    private readonly DeviceId[] _roster;
    private readonly Dictionary<DeviceId, int> _ordinals;
    private readonly Dictionary<int, Slot> _here = [];

    /// <summary>Places whose samples were taken or struck: they are passed over when they come.</summary>
    private readonly bool[] _isClosed;

    /// <summary>An empty buffer.</summary>
    /// <param name="plan">The epoch's order.</param>
    /// <param name="roster">Device ids in the order of the plan's ordinals.</param>
    /// <param name="closed">Samples that were trained or struck before.</param>
    public ShuffleBuffer(EpochPlan plan, DeviceId[] roster, IEnumerable<PlanSample>? closed = null)
    {
        (_plan, _roster, _isClosed) = (plan, roster, new bool[plan.Samples]);
        _ordinals = roster.Select((id, ordinal) => (id, ordinal)).ToDictionary(p => p.id, p => p.ordinal);
        foreach (var sample in closed ?? [])
        {
            _isClosed[PlaceOf(sample)] = true;
        }
    }

    /// <summary>Samples that lie here.</summary>
    public int Samples => _here.Count;

    /// <summary>Refuses a unit with a sample that does not belong to its grant.</summary>
    /// <exception cref="FrameException">It has one.</exception>
    public void Check(UnitHeader header)
    {
        foreach (var index in header.Samples)
        {
            Locate(header, index);
        }
    }

    /// <summary>Takes over a unit at the frozen line.</summary>
    /// <returns>The samples that are here now and were not before. Those that were, or were taken or struck, are passed over.</returns>
    /// <exception cref="FrameException">A sample does not belong to the unit's grant; nothing was placed.</exception>
    public PlanSample[] Place(ActivationUnit unit)
    {
        var header = unit.Header;
        var places = Array.ConvertAll(header.Samples, index => Locate(header, index));
        var shared = new SharedUnit(unit);
        var placed = new List<PlanSample>();
        var (row, target) = (0, 0);
        for (var i = 0; i < places.Length; i++)
        {
            var targets = header.Targets.Length == header.Samples.Length ? 1 : header.Lengths[i];
            if (!_isClosed[places[i]] && _here.TryAdd(places[i], new Slot(shared, row, header.Lengths[i], target, targets)))
            {
                shared.Hold();
                placed.Add(_plan.At(places[i]));
            }

            row += header.Lengths[i];
            target += targets;
        }

        unit.Placed(placed.Count);
        shared.Release();
        return [.. placed];
    }

    /// <summary>Takes samples out; their rows are copied, in order, into a rented array, which the caller gives back.</summary>
    /// <exception cref="InvalidOperationException">One is not here.</exception>
    public (ActivationBatch Batch, float[] Rented) Take(IReadOnlyList<PlanSample> samples)
    {
        var slots = samples.Select(TakeOut).ToList();
        var width = slots.Count > 0 ? slots[0].Unit.Header.Width : 0;
        var lengths = slots.Select(s => s.Length).ToArray();
        var rented = ArrayPool<float>.Shared.Rent(lengths.Sum() * width);
        var targets = new List<int>();
        var at = 0;
        foreach (var slot in slots)
        {
            slot.Unit.Values.Span.Slice(slot.Row * width, slot.Length * width).CopyTo(rented.AsSpan(at));
            at += slot.Length * width;
            targets.AddRange(slot.Unit.Header.Targets.AsSpan(slot.Target, slot.Targets));
            slot.Unit.Release();
        }

        var keys = samples.Select(s => SampleKey.Of(_roster[s.Device], s.Index)).ToArray();
        return (new ActivationBatch(rented.AsMemory(0, at), lengths, [.. targets], keys), rented);
    }

    /// <summary>Gives up the samples of a device that are not here: they are passed over should they come.</summary>
    /// <returns>The samples, in the order of the plan.</returns>
    public IReadOnlyList<PlanSample> Strike(DeviceId device)
    {
        if (!_ordinals.TryGetValue(device, out var ordinal))
        {
            return [];
        }

        var struck = new List<PlanSample>();
        for (var place = 0; place < _plan.Samples; place++)
        {
            if (_plan.At(place).Device == ordinal && !_isClosed[place] && !_here.ContainsKey(place))
            {
                _isClosed[place] = true;
                struck.Add(_plan.At(place));
            }
        }

        return struck;
    }

    /// <summary>Gives back all buffers.</summary>
    public void Dispose()
    {
        foreach (var slot in _here.Values)
        {
            slot.Unit.Release();
        }

        _here.Clear();
    }

    private int Locate(UnitHeader header, int index)
    {
        if (!_ordinals.TryGetValue(header.Device, out var ordinal) || _plan.PlaceOf(new PlanSample(ordinal, index)) is not { } place)
        {
            throw new FrameException(FrameFault.BadHeader, $"sample {index} of {header.Device} is not part of epoch {_plan.Epoch}");
        }

        return _plan.GrantAt(place) == header.Grant.Number ? place
            : throw new FrameException(FrameFault.BadHeader, $"sample {index} of {header.Device} is not part of grant {header.Grant}");
    }

    private Slot TakeOut(PlanSample sample)
    {
        var place = PlaceOf(sample);
        _isClosed[place] = true;
        return _here.Remove(place, out var slot) ? slot
            : throw new InvalidOperationException($"Sample {sample.Index} of {_roster[sample.Device]} is not here in epoch {_plan.Epoch}.");
    }

    private int PlaceOf(PlanSample sample) =>
        _plan.PlaceOf(sample) ?? throw new InvalidOperationException($"Epoch {_plan.Epoch} has no sample {sample.Index} of device {sample.Device}.");

    private readonly record struct Slot(SharedUnit Unit, int Row, int Length, int Target, int Targets);

    /// <summary>Counts the samples that still lie in a unit's buffer; used by one actor, so without locks.</summary>
    private sealed class SharedUnit(ActivationUnit unit)
    {
        private int _held = 1;

        public UnitHeader Header => unit.Header;

        public Memory<float> Values => unit.Values;

        public void Hold() => _held++;

        public void Release()
        {
            if (--_held == 0)
            {
                unit.Dispose();
            }
        }
    }
}
