using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace SplitFrozen.Domain.Sampling;

/// <summary>
/// A partition in a file, so that others can repeat a split: JSON with the number of training rows, a hash of their labels, the rows held out and the rows
/// of each device, counted from 0 in file order.
/// </summary>
/// <param name="Format">Always <see cref="FormatName"/>.</param>
/// <param name="Rows">Training rows of the data.</param>
/// <param name="LabelsSha256">Hash of the rows' label ids, by which data that was changed is noticed.</param>
/// <param name="Validation">Rows held out from all devices.</param>
/// <param name="Devices">The rows of each device.</param>
public sealed record PartitionFile(string Format, int Rows, string LabelsSha256, int[] Validation, int[][] Devices)
{
    /// <summary>What files of this form call themselves.</summary>
    public const string FormatName = "splitfrozen-partition-1";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true };

    /// <summary>The file of a partition.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="rows">Training rows of the data.</param>
    /// <param name="labels">The label of each row, or empty.</param>
    public static PartitionFile Of(Partition partition, int rows, IReadOnlyList<int> labels) =>
        new(FormatName, rows, Hash(labels), partition.Validation, [.. partition.Devices]);

    /// <summary>The partition.</summary>
    public Partition Partition => new(Devices, Validation);

    /// <summary>The file's bytes.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Reads a file for data of so many rows with these labels.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">Training rows of the data.</param>
    /// <param name="labels">The label of each row, or empty.</param>
    /// <returns>What it holds, and the SHA-256 (hexadecimal) of its bytes.</returns>
    /// <exception cref="UserErrorException">It cannot be read, is malformed, or belongs to other data.</exception>
    public static (PartitionFile File, string Sha256) Read(string path, int rows, IReadOnlyList<int> labels)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var file = JsonSerializer.Deserialize<PartitionFile>(bytes, Json);
            if (file is null || file.Format != FormatName)
            {
                throw Wrong(path, $"is no partition file of the form {FormatName}");
            }

            file.Check(path, rows, labels);
            return (file, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new UserErrorException($"The partition file {path} cannot be read: {e.Message} Look at splitfrozen.data.partition-file.", e);
        }
    }

    private void Check(string path, int rows, IReadOnlyList<int> labels)
    {
        if (Rows != rows || LabelsSha256 != Hash(labels))
        {
            throw Wrong(path, $"was written for other data: for {Rows} training rows, and there are {rows}{(Rows == rows ? " with other labels" : "")}");
        }

        if (Devices.Length == 0 || Devices.Any(d => d is null || d.Length == 0))
        {
            throw Wrong(path, "has a device without rows, or no device");
        }

        var all = Devices.Append(Validation).SelectMany(r => r).ToList();
        if (all.Any(r => r < 0 || r >= rows) || all.Distinct().Count() != all.Count)
        {
            throw Wrong(path, $"names a row twice, or one outside 0 to {rows - 1}");
        }
    }

    private static UserErrorException Wrong(string path, string what) =>
        new($"The partition file {path} {what}. Write one with `splitfrozen partition`, or set splitfrozen.data.partition-file = none.");

    private static string Hash(IReadOnlyList<int> labels) =>
        Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(labels.ToArray())));
}
