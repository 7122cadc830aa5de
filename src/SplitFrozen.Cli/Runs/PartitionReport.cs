namespace SplitFrozen.Cli.Runs;

/// <summary>How shared training rows are spread, for partition.json.</summary>
/// <param name="Kind">The partitioner.</param>
/// <param name="Seed">Seed of its draws.</param>
/// <param name="Hash">SHA-256 (hexadecimal) over every device's row numbers; equal partitions give equal hashes.</param>
/// <param name="HeldOut">Training rows that no device gets.</param>
/// <param name="Devices">The devices' parts.</param>
internal sealed record PartitionReport(string Kind, long Seed, string Hash, int HeldOut, IReadOnlyList<PartitionPart> Devices);

/// <summary>One device's part.</summary>
/// <param name="Id">The device.</param>
/// <param name="Samples">Its rows.</param>
/// <param name="Labels">How many of them carry each label, labels without rows left out; empty for language modelling.</param>
internal sealed record PartitionPart(string Id, int Samples, IReadOnlyDictionary<string, int> Labels);
