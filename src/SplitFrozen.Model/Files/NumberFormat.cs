using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>How numbers lie in a weight file: one by one, or quantised in blocks that share a scale.</summary>
/// <param name="Name">Name as files and people spell it, such as F16 or Q4_1.</param>
/// <param name="BlockElements">Numbers of a block, 1 for plain formats. A row holds whole blocks.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
/// <param name="TorchType">The type of tensors that hold it as it is; null where torch has none.</param>
internal sealed record NumberFormat(string Name, int BlockElements, int BlockBytes, ScalarType? TorchType)
{
    private static readonly Dictionary<string, NumberFormat> _byName = new[]
    {
        new NumberFormat("F32", 1, 4, ScalarType.Float32),
        new NumberFormat("F16", 1, 2, ScalarType.Float16),
        new NumberFormat("BF16", 1, 2, ScalarType.BFloat16),
        new NumberFormat("Q4_0", 32, 18, null),
        new NumberFormat("Q4_1", 32, 20, null),
        new NumberFormat("Q5_0", 32, 22, null),
        new NumberFormat("Q5_1", 32, 24, null),
        new NumberFormat("Q8_0", 32, 34, null),
        new NumberFormat("Q4_K", 256, 144, null),
        new NumberFormat("Q5_K", 256, 176, null),
        new NumberFormat("Q6_K", 256, 210, null),
    }.ToDictionary(format => format.Name, StringComparer.Ordinal);

    /// <summary>The formats that can be read, in words.</summary>
    public static string Supported { get; } = string.Join(", ", _byName.Keys);

    /// <summary>Plain float32.</summary>
    public static NumberFormat Float32 { get; } = _byName["F32"];

    /// <summary>The format of that name, or null where it cannot be read.</summary>
    public static NumberFormat? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Bytes of a number of elements, which fill whole blocks.</summary>
    public long Bytes(long elements) => elements / BlockElements * BlockBytes;
}
