using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SplitFrozen.Domain.Sampling;

/// <summary>What a partition looks like, for the run folder.</summary>
/// <param name="Sha256">SHA-256 (hexadecimal) of all row numbers, by which two runs can tell that they had the same split.</param>
/// <param name="Validation">Rows held out.</param>
/// <param name="Devices">The parts.</param>
public sealed record PartitionSummary(string Sha256, int Validation, IReadOnlyList<PartSummary> Devices)
{
    /// <summary>Describes a partition.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="labels">The label of each row, or empty.</param>
    public static PartitionSummary Of(Partition partition, IReadOnlyList<int> labels)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in partition.Devices.Append(partition.Validation))
        {
            hash.AppendData(MemoryMarshal.AsBytes((ReadOnlySpan<int>)[part.Length, .. part]));
        }

        var all = Shares(partition.Devices.SelectMany(d => d), labels);
        return new PartitionSummary(
            Convert.ToHexStringLower(hash.GetHashAndReset()), partition.Validation.Length,
            [.. partition.Devices.Select(rows => Part(rows, labels, all))]);
    }

    private static PartSummary Part(int[] rows, IReadOnlyList<int> labels, Dictionary<int, double> all)
    {
        var own = Shares(rows, labels);
        var distance = all.Sum(l => Math.Abs(l.Value - own.GetValueOrDefault(l.Key))) / 2;
        return new PartSummary(rows.Length, own.Count, distance);
    }

    private static Dictionary<int, double> Shares(IEnumerable<int> rows, IReadOnlyList<int> labels)
    {
        if (labels.Count == 0)
        {
            return [];
        }

        var counts = rows.CountBy(r => labels[r]).ToList();
        var total = (double)counts.Sum(c => c.Value);
        return counts.ToDictionary(c => c.Key, c => c.Value / total);
    }
}

/// <summary>One device's part.</summary>
/// <param name="Samples">Rows.</param>
/// <param name="Labels">Distinct labels; 0 where rows have none.</param>
/// <param name="Distance">Total variation distance of its label mix to the overall one, from 0 (the same) to 1.</param>
public sealed record PartSummary(int Samples, int Labels, double Distance);
