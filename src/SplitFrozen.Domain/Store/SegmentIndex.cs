using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Store;

/// <summary>Names a sample whose activation is kept.</summary>
/// <param name="Device">The device that has it.</param>
/// <param name="Index">Index into the device's samples.</param>
public readonly record struct StoredSample(DeviceId Device, int Index);

/// <summary>Where a record lies.</summary>
/// <param name="Segment">Number of the segment.</param>
/// <param name="Offset">First byte, counted from the segment's first record.</param>
/// <param name="Bytes">Bytes of the record.</param>
public readonly record struct StorePlace(int Segment, long Offset, int Bytes);

/// <summary>What became of a record that was to be added.</summary>
/// <param name="Place">Where it goes, or null: there is no room.</param>
/// <param name="Dropped">Segments that were dropped for it.</param>
public readonly record struct StoreAddition(StorePlace? Place, IReadOnlyList<int> Dropped);

/// <summary>
/// Which record lies where, within a limit of bytes. Records are appended to segments, and room is made by dropping whole segments, those first that
/// were needed least recently. Recency is counted in generations (epochs), since every sample is needed once in each: a segment goes only if a whole
/// generation passed without a need for any of it. A newcomer never displaces what the last epoch needed: that will be needed again sooner than the
/// newcomer, which had its turn just now. (Recency by single uses would drop exactly what comes next: with room for half of the samples it keeps
/// 15 % of an epoch's needs, this rule 50 %.)
/// </summary>
public sealed class SegmentIndex
{
    private readonly long _limit;
    private readonly int _segmentBytes;
    private readonly Dictionary<StoredSample, StorePlace> _places = [];
    private readonly SortedDictionary<int, Segment> _segments = [];
    private int _next;
    private int? _open;

    /// <summary>An empty index.</summary>
    /// <param name="limit">Most bytes of all segments, from 0.</param>
    /// <param name="segmentBytes">Bytes at which a segment is full, at least 1; a longer record has one of its own.</param>
    public SegmentIndex(long limit, int segmentBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        ArgumentOutOfRangeException.ThrowIfLessThan(segmentBytes, 1);
        (_limit, _segmentBytes) = (limit, segmentBytes);
    }

    /// <summary>Bytes of all segments, those of removed records included.</summary>
    public long Bytes { get; private set; }

    /// <summary>Number of records.</summary>
    public int Count => _places.Count;

    /// <summary>Numbers of the segments, ascending.</summary>
    public IReadOnlyCollection<int> Segments => _segments.Keys;

    /// <summary>Where a sample's record lies, or null.</summary>
    public StorePlace? Find(StoredSample sample) => _places.TryGetValue(sample, out var place) ? place : null;

    /// <summary>Finds room for a record.</summary>
    /// <param name="sample">A sample that has none.</param>
    /// <param name="bytes">Bytes of the record, at least 1.</param>
    /// <param name="generation">The present generation.</param>
    /// <exception cref="InvalidOperationException">The sample has a record.</exception>
    public StoreAddition Add(StoredSample sample, int bytes, int generation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        if (_places.ContainsKey(sample))
        {
            throw new InvalidOperationException($"Sample {sample.Index} of {sample.Device} is stored already.");
        }

        List<int> dropped = [];
        while (Bytes + bytes > _limit)
        {
            if (bytes > _limit || Victim(generation) is not { } victim)
            {
                return new StoreAddition(null, dropped);
            }

            Drop(victim);
            dropped.Add(victim);
        }

        var number = OpenFor(bytes);
        var segment = _segments[number];
        var place = new StorePlace(number, segment.Length, bytes);
        Extend(segment, segment.Length + bytes);
        Note(sample, place, segment, generation);
        return new StoreAddition(place, dropped);
    }

    /// <summary>Takes up a record that was found in a segment of an earlier run. Nothing is appended to such segments.</summary>
    /// <exception cref="InvalidOperationException">The sample has a record.</exception>
    public void Restore(StoredSample sample, StorePlace place, int generation)
    {
        if (_places.ContainsKey(sample))
        {
            throw new InvalidOperationException($"Sample {sample.Index} of {sample.Device} is stored already.");
        }

        if (!_segments.TryGetValue(place.Segment, out var segment))
        {
            _segments[place.Segment] = segment = new Segment();
            _next = Math.Max(_next, place.Segment + 1);
        }

        Extend(segment, Math.Max(segment.Length, place.Offset + place.Bytes));
        Note(sample, place, segment, generation);
    }

    /// <summary>A record is needed in this generation.</summary>
    public void Need(StoredSample sample, int generation)
    {
        if (_places.TryGetValue(sample, out var place))
        {
            var segment = _segments[place.Segment];
            segment.LastNeeded = Math.Max(segment.LastNeeded, generation);
        }
    }

    /// <summary>Forgets a record; its bytes are free again when its segment goes.</summary>
    public void Remove(StoredSample sample)
    {
        if (_places.Remove(sample, out var place))
        {
            _segments[place.Segment].Live--;
        }
    }

    /// <summary>Forgets all records of a device.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(DeviceId device)
    {
        var samples = _places.Keys.Where(s => s.Device == device).ToList();
        samples.ForEach(Remove);
        return samples.Count;
    }

    /// <summary>Drops the segments in which no record is left.</summary>
    /// <returns>Their numbers.</returns>
    public IReadOnlyList<int> DropEmpty()
    {
        var empty = _segments.Where(s => s.Value.Live == 0).Select(s => s.Key).ToList();
        empty.ForEach(Drop);
        return empty;
    }

    private int? Victim(int generation)
    {
        int? victim = null;
        var oldest = int.MaxValue;
        foreach (var (number, segment) in _segments)
        {
            var age = segment.Live == 0 ? int.MinValue : segment.LastNeeded;
            if (age <= generation - 2 && age < oldest)
            {
                (victim, oldest) = (number, age);
            }
        }

        return victim;
    }

    private int OpenFor(int bytes)
    {
        if (_open is { } open && _segments[open].Length + bytes <= _segmentBytes)
        {
            return open;
        }

        _segments[_next] = new Segment();
        _open = _next;
        return _next++;
    }

    private void Note(StoredSample sample, StorePlace place, Segment segment, int generation)
    {
        _places.Add(sample, place);
        segment.Samples.Add(sample);
        segment.Live++;
        segment.LastNeeded = Math.Max(segment.LastNeeded, generation);
    }

    private void Extend(Segment segment, long length)
    {
        Bytes += length - segment.Length;
        segment.Length = length;
    }

    private void Drop(int number)
    {
        _segments.Remove(number, out var segment);
        foreach (var sample in segment!.Samples.Where(s => _places.TryGetValue(s, out var place) && place.Segment == number))
        {
            _places.Remove(sample);
        }

        Bytes -= segment.Length;
        _open = _open == number ? null : _open;
    }

    private sealed class Segment
    {
        public List<StoredSample> Samples { get; } = [];

        public long Length { get; set; }

        public int Live { get; set; }

        public int LastNeeded { get; set; } = int.MinValue;
    }
}
