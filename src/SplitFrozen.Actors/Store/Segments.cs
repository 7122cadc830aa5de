using SplitFrozen.Domain.Store;

namespace SplitFrozen.Actors.Store;

/// <summary>Holds the bytes of segments.</summary>
internal interface ISegments : IDisposable
{
    /// <summary>Appends a sealed-by-nobody record; its bytes are changed by sealing.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    void Write(StorePlace place, Span<byte> record);

    /// <summary>Reads a record.</summary>
    /// <returns>Whether it is there and whole; if not, the bytes must not be used.</returns>
    bool Read(StorePlace place, Span<byte> record);

    /// <summary>Removes a segment.</summary>
    void Drop(int segment);
}

/// <summary>Segments in memory.</summary>
internal sealed class MemorySegments(int segmentBytes) : ISegments
{
    private readonly Dictionary<int, byte[]> _segments = [];
    private readonly ChecksumSeal _seal = new();

    public void Write(StorePlace place, Span<byte> record)
    {
        if (!_segments.TryGetValue(place.Segment, out var bytes))
        {
            _segments[place.Segment] = bytes = GC.AllocateUninitializedArray<byte>(Math.Max(segmentBytes, record.Length));
        }

        var to = bytes.AsSpan((int)place.Offset, record.Length);
        record.CopyTo(to);
        _seal.Close(to, place.Offset);
    }

    public bool Read(StorePlace place, Span<byte> record)
    {
        _segments[place.Segment].AsSpan((int)place.Offset, place.Bytes).CopyTo(record);
        return _seal.Open(record, place.Offset);
    }

    public void Drop(int segment) => _segments.Remove(segment);

    public void Dispose()
    {
        _segments.Clear();
        _seal.Dispose();
    }
}
