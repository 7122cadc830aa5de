using System.Buffers;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Shuffle;

/// <summary>
/// Puts samples that arrive in any order where the plan of one epoch has them. Rows stay in the buffer in which they came until their
/// micro-batch is taken, so placing copies nothing; a unit's buffer is given back with its last sample. How much lies here is bounded by the
/// coordinator's window.
/// </summary>
internal sealed class ShuffleBuffer : IDisposable
{
    private readonly EpochPlan _plan;
    private readonly DeviceId[] _roster;
    private readonly Dictionary<DeviceId, int> _ordinals;
    private readonly int[][] _places;
    private readonly Dictionary<(int Batch, int Index), Pending> _pending = [];
    private readonly HashSet<(int Batch, int Index)> _taken = [];

    /// <summary>An empty buffer.</summary>
    /// <param name="plan">The epoch's order.</param>
    /// <param name="roster">Device ids in the order of the plan's ordinals.</param>
    /// <param name="trained">Batches that were trained before.</param>
    public ShuffleBuffer(EpochPlan plan, DeviceId[] roster, IReadOnlyList<int>? trained = null)
    {
        (_plan, _roster) = (plan, roster);
        _ordinals = roster.Select((id, ordinal) => (id, ordinal)).ToDictionary(p => p.id, p => p.ordinal);
        _places = IndexPlaces(plan, roster.Length);
        foreach (var batch in trained ?? [])
        {
            _taken.UnionWith(Enumerable.Range(0, plan.MicroBatches(batch)).Select(index => (batch, index)));
        }
    }

    /// <summary>Samples that lie here.</summary>
    public int Samples { get; private set; }

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
    /// <returns>Micro-batches that it completed. Samples that were here already, or were trained, are passed over.</returns>
    /// <exception cref="FrameException">A sample does not belong to the unit's grant; nothing was placed.</exception>
    public IReadOnlyList<(int Batch, int Index)> Place(ActivationUnit unit)
    {
        var header = unit.Header;
        var places = Array.ConvertAll(header.Samples, index => Locate(header, index));
        var shared = new SharedUnit(unit);
        var ready = new List<(int, int)>();
        var (row, target, placed) = (0, 0, 0);
        for (var i = 0; i < places.Length; i++)
        {
            var targets = header.Targets.Length == header.Samples.Length ? 1 : header.Lengths[i];
            var before = Samples;
            if (Put(places[i], new Slot(shared, row, header.Lengths[i], target, targets)))
            {
                ready.Add((places[i].Batch, places[i].Micro));
            }

            placed += Samples - before;
            row += header.Lengths[i];
            target += targets;
        }

        unit.Placed(placed);
        shared.Release();
        return ready;
    }

    /// <summary>Takes a complete micro-batch out, in the order of the plan; its rows are copied into a rented array, which the caller gives back.</summary>
    public (ActivationBatch Batch, float[] Rented) Take(int batch, int index)
    {
        var key = (batch, index);
        if (!_pending.Remove(key, out var pending) || pending.Missing > 0)
        {
            throw new InvalidOperationException($"Micro-batch {index} of batch {batch} of epoch {_plan.Epoch} is not complete.");
        }

        _taken.Add(key);
        var slots = Array.FindAll(pending.Slots, s => s.Unit is not null);
        Samples -= slots.Length;
        var width = slots.Length > 0 ? slots[0].Unit.Header.Width : 0;
        var lengths = Array.ConvertAll(slots, s => s.Length);
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

        var keys = _plan.MicroBatch(batch, index).ToArray().Where((_, place) => pending.Slots[place].Unit is not null)
            .Select(s => SampleKey.Of(_roster[s.Device], s.Index)).ToArray();
        return (new ActivationBatch(rented.AsMemory(0, at), lengths, [.. targets], keys), rented);
    }

    /// <summary>How many samples of each device a global batch lacks.</summary>
    public IReadOnlyDictionary<DeviceId, int> Missing(int batch)
    {
        var missing = new SortedDictionary<DeviceId, int>();
        for (var index = 0; index < _plan.MicroBatches(batch); index++)
        {
            var samples = _taken.Contains((batch, index)) ? [] : _plan.MicroBatch(batch, index);
            var pending = _pending.GetValueOrDefault((batch, index));
            for (var place = 0; place < samples.Length; place++)
            {
                if (pending?.Slots[place].Unit is null && pending?.Gone.Contains(place) != true)
                {
                    var device = _roster[samples[place].Device];
                    missing[device] = missing.GetValueOrDefault(device) + 1;
                }
            }
        }

        return missing;
    }

    /// <summary>Takes out the samples of a device that are not here: micro-batches go without them, and may so become complete, or empty.</summary>
    /// <returns>The samples, in the order of the plan, and the micro-batches that became complete.</returns>
    public (IReadOnlyList<PlanSample> Struck, IReadOnlyList<(int Batch, int Index)> Ready) Strike(DeviceId device)
    {
        if (!_ordinals.TryGetValue(device, out var ordinal))
        {
            return ([], []);
        }

        return Strike(Enumerable.Range(0, _places[ordinal].Length).OrderBy(index => _places[ordinal][index]).Select(index => new PlanSample(ordinal, index)));
    }

    /// <summary>Takes out those of these samples that are not here.</summary>
    /// <param name="samples">Samples in the order of the plan.</param>
    public (IReadOnlyList<PlanSample> Struck, IReadOnlyList<(int Batch, int Index)> Ready) Strike(IEnumerable<PlanSample> samples)
    {
        var (struck, ready) = (new List<PlanSample>(), new List<(int, int)>());
        foreach (var sample in samples)
        {
            var (batch, inBatch) = Math.DivRem(_places[sample.Device][sample.Index], _plan.BatchSize);
            var (micro, inMicro) = Math.DivRem(inBatch, _plan.MicroBatchSize);
            if (_taken.Contains((batch, micro)) || Find(batch, micro) is not { } pending || pending.Slots[inMicro].Unit is not null || !pending.Gone.Add(inMicro))
            {
                continue;
            }

            struck.Add(sample);
            if (--pending.Missing == 0)
            {
                ready.Add((batch, micro));
            }
        }

        return (struck, ready);
    }

    /// <summary>Gives back all buffers.</summary>
    public void Dispose()
    {
        foreach (var slot in _pending.Values.SelectMany(p => p.Slots))
        {
            slot.Unit?.Release();
        }

        _pending.Clear();
    }

    private static int[][] IndexPlaces(EpochPlan plan, int devices)
    {
        var counts = new int[devices];
        for (var b = 0; b < plan.Batches; b++)
        {
            foreach (var sample in plan.Batch(b))
            {
                counts[sample.Device]++;
            }
        }

        var places = Array.ConvertAll(counts, n => new int[n]);
        var place = 0;
        for (var b = 0; b < plan.Batches; b++)
        {
            foreach (var sample in plan.Batch(b))
            {
                places[sample.Device][sample.Index] = place++;
            }
        }

        return places;
    }

    private Position Locate(UnitHeader header, int index)
    {
        if (!_ordinals.TryGetValue(header.Device, out var ordinal) || index >= _places[ordinal].Length)
        {
            throw new FrameException(FrameFault.BadHeader, $"sample {index} of {header.Device} is not part of epoch {_plan.Epoch}");
        }

        var (batch, inBatch) = Math.DivRem(_places[ordinal][index], _plan.BatchSize);
        return _plan.GrantOf(batch) == header.Grant.Number
            ? new Position(batch, inBatch / _plan.MicroBatchSize, inBatch % _plan.MicroBatchSize)
            : throw new FrameException(FrameFault.BadHeader, $"sample {index} of {header.Device} is not part of grant {header.Grant}");
    }

    private bool Put(Position place, Slot slot)
    {
        var key = (place.Batch, place.Micro);
        if (_taken.Contains(key))
        {
            return false;
        }

        var pending = Find(place.Batch, place.Micro);
        if (pending.Slots[place.InMicro].Unit is not null || pending.Gone.Contains(place.InMicro))
        {
            return false;
        }

        slot.Unit.Hold();
        pending.Slots[place.InMicro] = slot;
        Samples++;
        return --pending.Missing == 0;
    }

    private Pending Find(int batch, int micro)
    {
        if (!_pending.TryGetValue((batch, micro), out var pending))
        {
            _pending[(batch, micro)] = pending = new Pending(_plan.MicroBatch(batch, micro).Length);
        }

        return pending;
    }

    private readonly record struct Position(int Batch, int Micro, int InMicro);

    private readonly record struct Slot(SharedUnit Unit, int Row, int Length, int Target, int Targets);

    private sealed class Pending(int samples)
    {
        public Slot[] Slots { get; } = new Slot[samples];

        /// <summary>Places whose samples were struck.</summary>
        public HashSet<int> Gone { get; } = [];

        public int Missing { get; set; } = samples;
    }

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
