using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Data;

/// <summary>What training samples a device of this node has.</summary>
/// <param name="Source">The node's data folder.</param>
/// <param name="OwnFolder">Whether the whole folder is the device's own; otherwise the device has its part of the shared data.</param>
/// <param name="Part">The part of the shared data, or null: the one that the device's id names.</param>
public sealed record DeviceData(IDataSource Source, bool OwnFolder, int? Part)
{
    /// <summary>Reads and tokenises the device's samples, and no others.</summary>
    /// <exception cref="UserErrorException">The folder or a row is not usable, or the part does not exist.</exception>
    public IReadOnlyList<EncodedSample> Load(DeviceId device, RunSpec run)
    {
        var set = Source.Open(run.MaxLength, run.Labels);
        if (set.Task != run.Task)
        {
            throw new UserErrorException($"{set.Name} holds data for {set.Task}, but the server trains {run.Task}. Give the device data of the same form (splitfrozen.data.path).");
        }

        var spec = OwnFolder ? run.Partition with { Kind = PartitionKind.Iid, Devices = 1, ValidationShare = 0 } : run.Partition;
        var partition = Partitioner.Split(set.Rows(DataSplit.Train), set.TrainLabels, spec);
        var part = OwnFolder ? 0 : Part ?? SharedDevices.Part(device);
        return part is { } p && p >= 0 && p < partition.Devices.Count
            ? set.Encode(DataSplit.Train, partition.Devices[p])
            : throw new UserErrorException($"Device {device} has part {part?.ToString() ?? "(none)"} of data that is split into {partition.Devices.Count}. Set splitfrozen.device.partition from 0 to {partition.Devices.Count - 1}, or splitfrozen.data.devices on the server.");
    }
}
