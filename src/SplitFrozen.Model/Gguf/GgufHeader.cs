using System.Buffers.Binary;
using SplitFrozen.Domain;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>What stands before the data of a GGUF file.</summary>
/// <param name="Metadata">Keys and values.</param>
/// <param name="Entries">The tensors by the names that the file gives them, shapes with the slowest dimension first.</param>
/// <param name="DataStart">First byte of the data.</param>
internal sealed record GgufHeader(GgufMetadata Metadata, IReadOnlyDictionary<string, TensorEntry> Entries, long DataStart)
{
    private const uint Magic = 0x46554747;
    private const int LeastTextBytes = sizeof(ulong);
    private const int LeastPairBytes = LeastTextBytes + sizeof(uint) + 1;
    private const int LeastTensorBytes = LeastTextBytes + sizeof(uint) + sizeof(ulong) + sizeof(uint) + sizeof(ulong);
    private const int MaximumDimensions = 4;
    private const long UsualAlignment = 32;
    private const long LargestAlignment = 1 << 20;

    /// <summary>
    /// Reads and checks the header (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) of versions 2 and 3, little-endian. Nothing is
    /// allocated by the file's word alone.
    /// </summary>
    /// <param name="stream">The file, at its start.</param>
    /// <param name="path">Its path, for messages.</param>
    public static GgufHeader Read(Stream stream, string path)
    {
        var reader = new GgufReader(stream, path);
        CheckVersion(reader, path);
        int tensors = reader.Count("the number of tensors", LeastTensorBytes);
        int pairs = reader.Count("the number of metadata keys", LeastPairBytes);
        var metadata = ReadMetadata(reader, pairs, path);
        var infos = ReadTensors(reader, tensors, path);
        long alignment = Alignment(metadata);
        long dataStart = (reader.Position + alignment - 1) / alignment * alignment;
        return new GgufHeader(metadata, Placed(infos, alignment, dataStart, stream.Length, reader), dataStart);
    }

    private static void CheckVersion(GgufReader reader, string path)
    {
        if (reader.UInt32("the first four bytes") != Magic)
        {
            throw new UserErrorException($"'{path}' is not a GGUF file: it does not begin with the letters GGUF. Fetch it again, or give another file.");
        }

        uint version = reader.UInt32("the version");
        if (BinaryPrimitives.ReverseEndianness(version) is 1 or 2 or 3)
        {
            throw new UserErrorException($"'{path}' is a big-endian GGUF file; only little-endian ones can be read. Fetch the usual, little-endian form of the model.");
        }

        if (version is not (2 or 3))
        {
            throw new UserErrorException($"'{path}' has GGUF version {version}; versions 2 and 3 can be read. Fetch a file that was made with a current version of llama.cpp.");
        }
    }

    private static GgufMetadata ReadMetadata(GgufReader reader, int pairs, string path)
    {
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        for (int i = 0; i < pairs; i++)
        {
            string key = reader.Text($"metadata key {i}");
            if (!values.TryAdd(key, GgufValue.Read(reader, key)))
            {
                throw reader.Damaged($"metadata key {key} is there twice");
            }
        }

        return new GgufMetadata(path, values);
    }

    private static List<TensorEntry> ReadTensors(GgufReader reader, int count, string path)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<TensorEntry>();
        for (int i = 0; i < count; i++)
        {
            string name = reader.Text($"the name of tensor {i}");
            if (!names.Add(name))
            {
                throw reader.Damaged($"tensor '{name}' is listed twice");
            }

            long[] shape = ReadShape(reader, name);
            entries.Add(Entry(reader, name, shape, path));
        }

        return entries;
    }

    private static long[] ReadShape(GgufReader reader, string name)
    {
        uint dimensions = reader.UInt32($"the number of dimensions of tensor '{name}'");
        if (dimensions is 0 or > MaximumDimensions)
        {
            throw reader.Damaged($"tensor '{name}' claims {dimensions} dimensions, where 1 to {MaximumDimensions} are possible");
        }

        long[] shape = new long[dimensions];
        for (int i = 0; i < shape.Length; i++)
        {
            ulong size = reader.UInt64($"the sizes of tensor '{name}'");
            shape[^(i + 1)] = size is > 0 and <= long.MaxValue ? (long)size : throw reader.Damaged($"tensor '{name}' has a dimension of size {size}");
        }

        return shape;
    }

    private static TensorEntry Entry(GgufReader reader, string name, long[] shape, string path)
    {
        string typeName = GgufTypes.TensorType(reader.UInt32($"the type of tensor '{name}'"));
        var format = NumberFormat.Find(typeName) ?? throw new UserErrorException(
            $"'{path}': tensor '{name}' is stored as {typeName}, which cannot be read; {NumberFormat.Supported} can. Fetch a file with one of these quantisations, such as Q4_K_M or Q8_0.");
        if (shape[^1] % format.BlockElements != 0)
        {
            throw reader.Damaged($"tensor '{name}' has rows of {shape[^1]} numbers, which do not fill {typeName}'s blocks of {format.BlockElements}");
        }

        long bytes = Bytes(shape, format) ?? throw reader.Damaged($"tensor '{name}' claims the sizes [{string.Join(", ", shape)}], more than any file holds");
        ulong offset = reader.UInt64($"the offset of tensor '{name}'");
        return offset <= long.MaxValue / 2
            ? new TensorEntry(name, typeName, shape, (long)offset, bytes)
            : throw reader.Damaged($"tensor '{name}' claims to begin at byte {offset} of the data");
    }

    /// <summary>Bytes of a tensor, or null where the product leaves the range of 64 bits.</summary>
    private static long? Bytes(long[] shape, NumberFormat format)
    {
        Int128 bytes = shape[^1] / format.BlockElements * (Int128)format.BlockBytes;
        foreach (long size in shape.AsSpan(..^1))
        {
            bytes = bytes <= long.MaxValue ? bytes * size : bytes;
        }

        return bytes <= long.MaxValue ? (long)bytes : null;
    }

    private static long Alignment(GgufMetadata metadata)
    {
        const string key = "general.alignment";
        long alignment = metadata.Integer(key) ?? UsualAlignment;
        return alignment is >= 8 and <= LargestAlignment && alignment % 8 == 0
            ? alignment
            : throw metadata.Unsupported(key, $"{alignment}", $"multiples of 8 up to {LargestAlignment}");
    }

    /// <summary>The entries with offsets counted from the start of the file, held against its length, its alignment and each other.</summary>
    private static Dictionary<string, TensorEntry> Placed(List<TensorEntry> infos, long alignment, long dataStart, long fileBytes, GgufReader reader)
    {
        var placed = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        TensorEntry? last = null;
        foreach (var info in infos.OrderBy(info => info.Offset))
        {
            if (info.Offset % alignment != 0)
            {
                throw reader.Damaged($"tensor '{info.Name}' begins at byte {info.Offset} of the data, which is no multiple of the alignment {alignment}");
            }

            if (info.Bytes > fileBytes - dataStart - info.Offset)
            {
                throw reader.Damaged(
                    $"tensor '{info.Name}' claims {info.Bytes} bytes from byte {dataStart + info.Offset} on, and the file has {fileBytes} bytes");
            }

            if (last is not null && info.Offset < last.Offset + last.Bytes)
            {
                throw reader.Damaged($"tensors '{last.Name}' and '{info.Name}' overlap");
            }

            last = info;
            placed.Add(info.Name, info with { Offset = dataStart + info.Offset });
        }

        return placed;
    }
}
