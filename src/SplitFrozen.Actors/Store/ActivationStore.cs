using System.Buffers;
using System.Runtime.InteropServices;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Store;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Store;

/// <summary>
/// Keeps samples' activations at the frozen line with their targets, in memory and, where that is asked for, on disk. What is on disk is written when the
/// sample arrives and survives the process. Used by one thread at a time.
/// </summary>
internal sealed class ActivationStore : IDisposable
{
    private readonly ActivationCodec _codec;
    private readonly int _width;
    private readonly StoreTier _memory;
    private readonly Action<string> _log;
    private readonly Dictionary<DeviceId, string> _data = [];
    private StoreTier? _disk;
    private bool _diskFailed;

    private ActivationStore(ActivationCodec codec, int width, StoreTier memory, StoreTier? disk, Action<string> log) =>
        (_codec, _width, _memory, _disk, _log) = (codec, width, memory, disk, log);

    /// <summary>Records that were found damaged.</summary>
    public long Damaged { get; private set; }

    /// <summary>Bytes in memory and on disk.</summary>
    public (long Memory, long Disk) Bytes => (_memory.Index.Bytes, _disk?.Index.Bytes ?? 0);

    /// <summary>Opens the store that the settings describe.</summary>
    /// <param name="settings">The settings; the store must not be off.</param>
    /// <param name="fingerprint">What activations depend on besides the devices' data.</param>
    /// <param name="width">Hidden size D.</param>
    /// <param name="folder">Where segments lie on disk.</param>
    /// <param name="log">Told in words what is not used, and why.</param>
    /// <exception cref="Domain.UserErrorException">Key or folder cannot be used.</exception>
    public static ActivationStore Open(StoreSettings settings, StoreFingerprint fingerprint, int width, string folder, Action<string> log)
    {
        var segmentBytes = StoreSizes.Segment(settings.MemoryLimit);
        var memory = new StoreTier(new SegmentIndex(settings.MemoryLimit, segmentBytes), new MemorySegments(segmentBytes));
        if (settings.Mode != StoreMode.Disk)
        {
            return new ActivationStore(settings.Codec, width, memory, null, log);
        }

        var key = settings.KeyFile is { } file ? StoreKey.Load(file) : null;
        var files = FileSegments.Open(settings.Path ?? folder, fingerprint, key, log);
        var disk = new StoreTier(new SegmentIndex(settings.DiskLimit, StoreSizes.Segment(settings.DiskLimit)), files);
        var store = new ActivationStore(settings.Codec, width, memory, disk, log);
        store.Restore(files);
        return store;
    }

    /// <summary>A device takes part: what is stored of other data of the same id is forgotten.</summary>
    /// <returns>How many of its samples are stored.</returns>
    public int Admit(DeviceId device, string data, int samples)
    {
        if (_data.TryGetValue(device, out var before) && before != data)
        {
            var forgotten = Math.Max(_memory.Forget(device), _disk?.Forget(device) ?? 0);
            _log($"{forgotten} stored activations of {device} are not used and removed: its data changed");
        }

        _data[device] = data;
        return Count(device, samples);
    }

    /// <summary>How many of a device's samples are stored.</summary>
    public int Count(DeviceId device, int samples)
    {
        var count = 0;
        for (var index = 0; index < samples; index++)
        {
            count += Contains(new StoredSample(device, index)) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Keeps the samples of a unit at the frozen line, as far as there is room and they are not stored yet.</summary>
    public void Keep(ActivationUnit unit)
    {
        var header = unit.Header;
        if (!_data.TryGetValue(header.Device, out var data))
        {
            return;
        }

        var (row, target) = (0, 0);
        for (var i = 0; i < header.Samples.Length; i++)
        {
            var targets = header.Targets.Length == header.Samples.Length ? 1 : header.Lengths[i];
            var rows = unit.Values.Span.Slice(row * _width, header.Lengths[i] * _width);
            Keep(new StoredSample(header.Device, header.Samples[i]), data, rows, header.Targets.AsSpan(target, targets), GenerationOf(header.Grant));
            row += header.Lengths[i];
            target += targets;
        }
    }

    /// <summary>Takes a sample out.</summary>
    /// <param name="device">The device that has it.</param>
    /// <param name="index">Index into the device's samples.</param>
    /// <param name="grant">The grant that needs it.</param>
    /// <returns>The sample, to be disposed; or null where it is not stored, or what was stored is damaged.</returns>
    public StoredActivation? Find(DeviceId device, int index, GrantId grant)
    {
        var (sample, generation) = (new StoredSample(device, index), GenerationOf(grant));
        return Read(_memory, sample, generation) ?? (_disk is null ? null : Read(_disk, sample, generation));
    }

    public void Dispose()
    {
        _memory.Dispose();
        _disk?.Dispose();
    }

    /// <summary>Epochs count from 1 here: what earlier runs left is of generation 0. Grants open in order, so that those of an epoch have all been served when the next one's begin.</summary>
    private static int GenerationOf(GrantId grant) => grant.Epoch + 1;

    private bool Contains(StoredSample sample) => _memory.Contains(sample) || (_disk?.Contains(sample) ?? false);

    /// <summary>Of two records of one sample the later one counts: an earlier one is of data that has changed since.</summary>
    private void Restore(FileSegments files)
    {
        var index = _disk!.Index;
        foreach (var (head, place) in files.Scan())
        {
            if (_data.TryGetValue(head.Sample.Device, out var data) && data != head.Data)
            {
                index.Remove(head.Sample.Device);
            }

            _data[head.Sample.Device] = head.Data;
            index.Remove(head.Sample);
            index.Restore(head.Sample, place, generation: 0);
        }

        foreach (var segment in index.DropEmpty().Concat(files.Numbers.Except(index.Segments)).ToList())
        {
            files.Drop(segment);
        }

        if (index.Count > 0)
        {
            _log($"{index.Count} stored activations of earlier runs are at hand");
        }
    }

    private void Keep(StoredSample sample, string data, ReadOnlySpan<float> rows, ReadOnlySpan<int> targets, int generation)
    {
        if (Contains(sample))
        {
            return;
        }

        var rowBytes = RowCodec.RowBytes(_codec, _width);
        var tokens = rows.Length / _width;
        var size = StoreSizes.Record(sample.Device, tokens, targets.Length, rowBytes);
        var rented = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var record = rented.AsSpan(0, size);
            var head = StoredRecord.WriteHead(record, new RecordHead(sample, data, tokens, targets.Length, size));
            MemoryMarshal.AsBytes(targets).CopyTo(record[head..]);
            RowCodec.Encode(_codec, rows, _width, record.Slice(head + (sizeof(int) * targets.Length), tokens * rowBytes));
            _memory.Put(sample, record, generation);
            PutOnDisk(sample, record, generation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>A disk that fails costs what it would have kept, not the run.</summary>
    private void PutOnDisk(StoredSample sample, Span<byte> record, int generation)
    {
        if (_disk is null || _diskFailed)
        {
            return;
        }

        try
        {
            _disk.Put(sample, record, generation);
        }
        catch (IOException e)
        {
            _diskFailed = true;
            _log($"No more activations are written to the store's folder: {e.Message}");
        }
    }

    private StoredActivation? Read(StoreTier tier, StoredSample sample, int generation)
    {
        if (tier.Index.Find(sample) is not { } place)
        {
            return null;
        }

        var rented = ArrayPool<byte>.Shared.Rent(place.Bytes);
        try
        {
            var record = rented.AsSpan(0, place.Bytes);
            if (ReadWhole(tier, sample, record, generation) is { } head && Decode(head, record) is { } stored)
            {
                return stored;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        tier.Index.Remove(sample);
        Damaged++;
        _log($"The stored activation of sample {sample.Index} of {sample.Device} is damaged and asked from its device again");
        return null;
    }

    private StoredActivation? Decode(RecordHead head, Span<byte> record)
    {
        var body = StoredRecord.Split(record).Body;
        var rows = ArrayPool<float>.Shared.Rent(head.Tokens * _width);
        if (RowCodec.Decode(_codec, body[(sizeof(int) * head.Targets)..], _width, rows.AsSpan(0, head.Tokens * _width)))
        {
            return new StoredActivation(_width, head.Tokens, StoredRecord.Targets(body, head.Targets).ToArray(), rows);
        }

        ArrayPool<float>.Shared.Return(rows);
        return null;
    }

    private RecordHead? ReadWhole(StoreTier tier, StoredSample sample, Span<byte> record, int generation)
    {
        try
        {
            return tier.Read(sample, record, generation)
                && StoredRecord.ReadHead(record, record.Length) is { } head
                && head.Bytes == StoreSizes.Record(head.Sample.Device, head.Tokens, head.Targets, RowCodec.RowBytes(_codec, _width))
                && head.Sample == sample && head.Data == _data.GetValueOrDefault(sample.Device) ? head : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
