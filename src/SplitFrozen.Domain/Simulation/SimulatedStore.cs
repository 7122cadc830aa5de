using SplitFrozen.Domain.Store;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Simulation;

/// <summary>The server's activation store, empty at the start.</summary>
/// <param name="MemoryLimit">Most bytes in memory, from 0.</param>
/// <param name="DiskLimit">Most bytes of files, from 0, or null: none are written.</param>
/// <param name="RowBytes">Bytes of one token's activation as the store writes it, at least 1.</param>
/// <param name="HasTargetPerToken">Whether a record has a target for each token, as in language modelling, rather than one.</param>
public sealed record SimulatedStore(long MemoryLimit, long? DiskLimit, int RowBytes, bool HasTargetPerToken);

/// <summary>
/// Which samples' activations the server has. What is kept, and what goes when there is no room, is decided by the <see cref="SegmentIndex"/> of the real store, over
/// records of the real ones' sizes; only the bytes are not there.
/// </summary>
internal sealed class StoreState(SimulatedStore spec)
{
    private readonly SegmentIndex _memory = new(spec.MemoryLimit, StoreSizes.Segment(spec.MemoryLimit));
    private readonly SegmentIndex? _disk = spec.DiskLimit is { } limit ? new SegmentIndex(limit, StoreSizes.Segment(limit)) : null;
    private long _supplied;

    /// <summary>A sample is at the frozen line: it is kept where there is room.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="epoch">The epoch that needs it, from 0.</param>
    public void Keep(StoredSample sample, int tokens, int epoch)
    {
        if (!Contains(sample))
        {
            var bytes = StoreSizes.Record(sample.Device, tokens, spec.HasTargetPerToken ? tokens : 1, spec.RowBytes);
            _memory.Add(sample, bytes, epoch);
            _disk?.Add(sample, bytes, epoch);
        }
    }

    /// <summary>Takes a sample out, if it is there; that it was needed lets it stay.</summary>
    public bool Supply(StoredSample sample, int epoch)
    {
        var index = _memory.Find(sample) is not null ? _memory : _disk?.Find(sample) is not null ? _disk : null;
        index?.Need(sample, epoch);
        _supplied += index is null ? 0 : 1;
        return index is not null;
    }

    /// <summary>Whether all samples of a device are there.</summary>
    /// <param name="device">The device.</param>
    /// <param name="samples">How many it has.</param>
    public bool HasAll(DeviceId device, int samples)
    {
        for (var index = 0; index < samples; index++)
        {
            if (!Contains(new StoredSample(device, index)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What is kept now, and what was taken out so far.</summary>
    public StoreReport Report(IReadOnlyList<SimulatedDevice> devices)
    {
        var samples = _disk is null ? _memory.Count
            : devices.Sum(d => Enumerable.Range(0, d.Lengths.Length).LongCount(index => Contains(new StoredSample(d.Id, index))));
        return new StoreReport(samples, _memory.Bytes, _disk?.Bytes ?? 0, _supplied);
    }

    private bool Contains(StoredSample sample) => _memory.Find(sample) is not null || _disk?.Find(sample) is not null;
}
