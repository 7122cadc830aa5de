using System.Buffers.Binary;
using System.Text.Json;
using SplitFrozen.Domain;

namespace SplitFrozen.Model.Files;

/// <summary>
/// Reads and checks the header of a safetensors file (https://github.com/huggingface/safetensors, "Format"): eight bytes of header
/// length, the header as JSON, then the data. Nothing is allocated by the file's word alone: each length is held against the file's size first.
/// </summary>
internal static class SafetensorsHeader
{
    private const long MaximumLength = 100_000_000;
    private const int LengthBytes = 8;

    /// <summary>Bytes of one number by the format's spelling.</summary>
    private static readonly Dictionary<string, long> _typeBytes = new(StringComparer.Ordinal)
    {
        ["BOOL"] = 1,
        ["U8"] = 1,
        ["I8"] = 1,
        ["F8_E4M3"] = 1,
        ["F8_E5M2"] = 1,
        ["U16"] = 2,
        ["I16"] = 2,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["U32"] = 4,
        ["I32"] = 4,
        ["F32"] = 4,
        ["U64"] = 8,
        ["I64"] = 8,
        ["F64"] = 8,
    };

    /// <summary>The tensors of an open file, by name.</summary>
    public static IReadOnlyDictionary<string, TensorEntry> Read(Stream stream, string path)
    {
        long fileBytes = stream.Length;
        if (fileBytes < LengthBytes)
        {
            throw Damaged(path, $"it has {fileBytes} bytes, too few for a header");
        }

        Span<byte> lengthField = stackalloc byte[LengthBytes];
        stream.ReadExactly(lengthField);
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(lengthField);
        if (headerBytes > MaximumLength || (long)headerBytes > fileBytes - LengthBytes)
        {
            throw Damaged(path, $"its header claims {headerBytes} bytes, the file has {fileBytes}");
        }

        byte[] header = new byte[headerBytes];
        stream.ReadExactly(header);
        return Parse(header, LengthBytes + (long)headerBytes, fileBytes, path);
    }

    private static Dictionary<string, TensorEntry> Parse(byte[] header, long dataStart, long fileBytes, string path)
    {
        var entries = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(header);
            foreach (var property in document.RootElement.EnumerateObject().Where(p => p.Name != "__metadata__"))
            {
                if (!entries.TryAdd(property.Name, Entry(property, dataStart, fileBytes, path)))
                {
                    throw Damaged(path, $"tensor '{property.Name}' is listed twice");
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new UserErrorException(Text(path, "its header is not the JSON that the format asks for"), e);
        }

        CheckOverlaps(entries.Values, path);
        return entries;
    }

    private static TensorEntry Entry(JsonProperty property, long dataStart, long fileBytes, string path)
    {
        string name = property.Name;
        if (!property.Value.TryGetProperty("dtype", out var type) || !property.Value.TryGetProperty("shape", out var sizes)
            || !property.Value.TryGetProperty("data_offsets", out var offsets) || offsets.GetArrayLength() != 2)
        {
            throw Damaged(path, $"tensor '{name}' lacks dtype, shape or data_offsets");
        }

        string typeName = type.GetString() ?? "";
        if (!_typeBytes.TryGetValue(typeName, out long width))
        {
            throw Damaged(path, $"tensor '{name}' has the unknown dtype '{typeName}'");
        }

        long[] shape = [.. sizes.EnumerateArray().Select(size => size.GetInt64())];
        long begin = offsets[0].GetInt64();
        long end = offsets[1].GetInt64();
        if (begin < 0 || end < begin || end > fileBytes - dataStart)
        {
            throw Damaged(path, $"tensor '{name}' claims bytes {begin} to {end}, the file holds {fileBytes - dataStart} bytes of data");
        }

        if (ByteCount(shape, width) != end - begin)
        {
            throw Damaged(path, $"tensor '{name}' has {end - begin} bytes, which does not fit {typeName} [{string.Join(", ", shape)}]");
        }

        return new TensorEntry(name, typeName, shape, dataStart + begin, end - begin);
    }

    /// <summary>Bytes of a tensor, or -1 where a size is negative or the product leaves the range of 64 bits.</summary>
    private static long ByteCount(long[] shape, long width)
    {
        long count = width;
        foreach (long size in shape)
        {
            if (size < 0 || (size > 0 && count > long.MaxValue / size))
            {
                return -1;
            }

            count *= size;
        }

        return count;
    }

    private static void CheckOverlaps(IEnumerable<TensorEntry> entries, string path)
    {
        TensorEntry? last = null;
        foreach (var entry in entries.Where(e => e.Bytes > 0).OrderBy(e => e.Offset))
        {
            if (last is not null && entry.Offset < last.Offset + last.Bytes)
            {
                throw Damaged(path, $"tensors '{last.Name}' and '{entry.Name}' overlap");
            }

            last = entry;
        }
    }

    private static UserErrorException Damaged(string path, string what) => new(Text(path, what));

    private static string Text(string path, string what) =>
        $"'{path}' is not a whole safetensors file: {what}. It may have been cut off while copying; fetch it again.";
}
