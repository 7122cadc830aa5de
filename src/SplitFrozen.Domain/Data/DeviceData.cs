using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Data;

/// <summary>What training samples a device of this node has.</summary>
/// <param name="Source">The node's data folder.</param>
/// <param name="OwnFolder">Whether the whole folder is the device's own; otherwise the device has its part of the shared data.</param>
/// <param name="Part">The part of the shared data, or null: the one that the device's id names.</param>
public sealed record DeviceData(IDataSource Source, bool OwnFolder, int? Part)
{
    /// <summary>The node's copy of the partition file, or null: partitions are drawn.</summary>
    public string? PartitionFile { get; init; }

    private readonly System.Collections.Concurrent.ConcurrentDictionary<(DeviceId Device, TaskKind Task, string Labels, int MaxLength, PartitionSpec Partition), IReadOnlyList<EncodedSample>> _loaded = [];

    /// <summary>Reads and tokenises the device's samples, and no others; what was read before for a run alike is still here.</summary>
    /// <exception cref="UserErrorException">The folder or a row is not usable, or the part does not exist.</exception>
    public IReadOnlyList<EncodedSample> Load(DeviceId device, RunSpec run)
    {
        var key = (device, run.Task, string.Join('\n', run.Labels), run.MaxLength, run.Partition);
        return _loaded.TryGetValue(key, out var loaded) ? loaded : _loaded[key] = Read(device, run);
    }

    private IReadOnlyList<EncodedSample> Read(DeviceId device, RunSpec run)
    {
        var set = Source.Open(run.MaxLength, run.Labels);
        if (set.Task != run.Task)
        {
            throw new UserErrorException($"{set.Name} holds data for {set.Task}, but the server trains {run.Task}. Give the device data of the same form (splitfrozen.data.path).");
        }

        var partition = Divide(device, set, run.Partition);
        var part = OwnFolder ? 0 : Part ?? SharedDevices.Part(device);
        return part is { } p && p >= 0 && p < partition.Devices.Count
            ? set.Encode(DataSplit.Train, partition.Devices[p])
            : throw new UserErrorException($"Device {device} has part {part?.ToString() ?? "(none)"} of data that is split into {partition.Devices.Count}. Set splitfrozen.device.partition from 0 to {partition.Devices.Count - 1}, or splitfrozen.data.devices on the server.");
    }

    private Partition Divide(DeviceId device, IDataSet set, PartitionSpec spec)
    {
        var rows = set.Rows(DataSplit.Train);
        if (OwnFolder)
        {
            return Partitioner.Split(rows, set.TrainLabels, spec with { Kind = PartitionKind.Iid, Devices = 1, ValidationShare = 0 });
        }

        if (spec.FileSha256 is null)
        {
            return Partitioner.Split(rows, set.TrainLabels, spec);
        }

        var path = PartitionFile ?? throw new UserErrorException(
            $"The server spreads data by a partition file, and device {device} has none. Give it the same file with splitfrozen.data.partition-file.");
        var (file, hash) = Sampling.PartitionFile.Read(path, rows, set.TrainLabels);
        return hash == spec.FileSha256 ? file.Partition
            : throw new UserErrorException($"The partition file {path} of device {device} is another one than the server's; give it the same (splitfrozen.data.partition-file).");
    }
}
