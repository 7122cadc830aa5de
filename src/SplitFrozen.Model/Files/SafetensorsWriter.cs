using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using SplitFrozen.Domain.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>Writes safetensors files of float32, float16 and bfloat16 tensors. Equal tensors give equal bytes: names are sorted and nothing else goes in.</summary>
internal static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes the tensors to a file, atomically.</summary>
    /// <param name="path">The file, replaced if it exists.</param>
    /// <param name="tensors">Tensors by name.</param>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors)
    {
        var sorted = tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToArray();
        AtomicFile.Write(path, stream =>
        {
            WriteHeader(stream, sorted);
            foreach (var (_, tensor) in sorted)
            {
                WriteData(stream, tensor);
            }
        });
    }

    private static void WriteHeader(Stream stream, KeyValuePair<string, Tensor>[] tensors)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            writer.WriteString("format", "pt");
            writer.WriteEndObject();
            long offset = 0;
            foreach (var (name, tensor) in tensors)
            {
                offset = WriteEntry(writer, name, tensor, offset);
            }

            writer.WriteEndObject();
        }

        json.Write(Encoding.ASCII.GetBytes(new string(' ', (int)(-json.Length & (Alignment - 1)))));
        Span<byte> length = stackalloc byte[Alignment];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        stream.Write(length);
        json.WriteTo(stream);
    }

    private static long WriteEntry(Utf8JsonWriter writer, string name, Tensor tensor, long offset)
    {
        long end = offset + (tensor.numel() * tensor.element_size());
        writer.WriteStartObject(name);
        writer.WriteString("dtype", TypeName(name, tensor.dtype));
        writer.WriteStartArray("shape");
        foreach (long size in tensor.shape)
        {
            writer.WriteNumberValue(size);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(offset);
        writer.WriteNumberValue(end);
        writer.WriteEndArray();
        writer.WriteEndObject();
        return end;
    }

    private static string TypeName(string name, ScalarType type) => type switch
    {
        ScalarType.Float32 => "F32",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        _ => throw new ArgumentException($"Tensor '{name}' is {type}; float32, float16 and bfloat16 are written.", nameof(type)),
    };

    private static void WriteData(Stream stream, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        stream.Write(tensor.detach().cpu().contiguous().bytes);
    }
}
