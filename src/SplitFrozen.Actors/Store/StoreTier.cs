using SplitFrozen.Domain.Store;

namespace SplitFrozen.Actors.Store;

/// <summary>An index with the segments that it tells of.</summary>
internal sealed class StoreTier(SegmentIndex index, ISegments segments) : IDisposable
{
    /// <summary>What lies where.</summary>
    public SegmentIndex Index => index;

    /// <summary>Whether a sample's record is here.</summary>
    public bool Contains(StoredSample sample) => index.Find(sample) is not null;

    /// <summary>Keeps a record, if there is room; its bytes are changed by sealing.</summary>
    /// <exception cref="IOException">It cannot be written; it is not kept.</exception>
    public void Put(StoredSample sample, Span<byte> record, int generation)
    {
        var (place, dropped) = index.Add(sample, record.Length, generation);
        foreach (var segment in dropped)
        {
            segments.Drop(segment);
        }

        if (place is not { } to)
        {
            return;
        }

        try
        {
            segments.Write(to, record);
        }
        catch (IOException)
        {
            index.Remove(sample);
            throw;
        }
    }

    /// <summary>Reads a sample's record into a buffer of its size; a damaged one is forgotten.</summary>
    /// <returns>Whether it is whole.</returns>
    public bool Read(StoredSample sample, Span<byte> record, int generation)
    {
        index.Need(sample, generation);
        if (segments.Read(index.Find(sample)!.Value, record))
        {
            return true;
        }

        index.Remove(sample);
        return false;
    }

    /// <summary>Forgets a device's records.</summary>
    /// <returns>How many there were.</returns>
    public int Forget(Protocol.DeviceId device)
    {
        var count = index.Remove(device);
        foreach (var segment in index.DropEmpty())
        {
            segments.Drop(segment);
        }

        return count;
    }

    public void Dispose() => segments.Dispose();
}
