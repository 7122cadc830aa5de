using System.Runtime.InteropServices;
using System.Text;
using SplitFrozen.Domain.Files;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>Writes GGUF files, version 3: for benchmarks and tests, which need models that nobody has to download.</summary>
/// <param name="architecture">general.architecture.</param>
/// <param name="alignment">Alignment of tensors, a multiple of 8.</param>
internal sealed class GgufWriter(string architecture, int alignment = 32)
{
    private const uint Version = 3;

    private readonly List<(string Key, object Value)> _metadata = [("general.architecture", architecture), ("general.alignment", (uint)alignment)];
    private readonly List<(string Name, long[] Shape, string Format, byte[] Data)> _tensors = [];

    /// <summary>Adds a key.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="value">A <see cref="uint"/>, <see cref="ulong"/>, <see cref="float"/>, <see cref="bool"/>, string, or an array of strings, <see cref="float"/> or <see cref="int"/>.</param>
    public GgufWriter Add(string key, object value)
    {
        _metadata.Add((key, value));
        return this;
    }

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">The file's name for it.</param>
    /// <param name="format">Number format, such as Q4_1.</param>
    /// <param name="data">Its numbers as stored, row after row.</param>
    /// <param name="shape">Sizes, the slowest dimension first.</param>
    public GgufWriter Tensor(string name, string format, byte[] data, params long[] shape)
    {
        _tensors.Add((name, shape, format, data));
        return this;
    }

    /// <summary>Adds a tensor of float32.</summary>
    public GgufWriter Tensor(string name, ReadOnlySpan<float> data, params long[] shape) =>
        Tensor(name, NumberFormat.Float32.Name, MemoryMarshal.AsBytes(data).ToArray(), shape);

    /// <summary>Writes the file, atomically.</summary>
    public void Write(string path) => AtomicFile.Write(path, stream => stream.Write(ToBytes()));

    /// <summary>The whole file.</summary>
    public byte[] ToBytes()
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_metadata.Count);
        foreach (var (key, value) in _metadata)
        {
            WriteText(writer, key);
            WriteValue(writer, value);
        }

        WriteTensorInfos(writer);
        foreach (var (_, _, _, data) in _tensors)
        {
            Pad(writer);
            writer.Write(data);
        }

        Pad(writer);
        return memory.ToArray();
    }

    private void WriteTensorInfos(BinaryWriter writer)
    {
        long offset = 0;
        foreach (var (name, shape, format, data) in _tensors)
        {
            WriteText(writer, name);
            writer.Write((uint)shape.Length);
            foreach (long size in shape.AsEnumerable().Reverse())
            {
                writer.Write((ulong)size);
            }

            writer.Write(GgufTypes.TensorType(format));
            writer.Write((ulong)offset);
            offset = (offset + data.Length + alignment - 1) / alignment * alignment;
        }
    }

    private void Pad(BinaryWriter writer)
    {
        int rest = (int)(writer.BaseStream.Position % alignment);
        writer.Write(new byte[(alignment - rest) % alignment]);
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void WriteValue(BinaryWriter writer, object value)
    {
        if (value is Array items)
        {
            writer.Write((uint)GgufValueType.Array);
            writer.Write((uint)TypeOf(items.GetType().GetElementType()!));
            writer.Write((ulong)items.Length);
            foreach (object item in items)
            {
                WriteOne(writer, item);
            }
        }
        else
        {
            writer.Write((uint)TypeOf(value.GetType()));
            WriteOne(writer, value);
        }
    }

    private static void WriteOne(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case string text:
                WriteText(writer, text);
                break;
            case uint number:
                writer.Write(number);
                break;
            case ulong number:
                writer.Write(number);
                break;
            case int number:
                writer.Write(number);
                break;
            case float number:
                writer.Write(number);
                break;
            case bool flag:
                writer.Write(flag);
                break;
            default:
                throw new ArgumentException($"Values of type {value.GetType()} are not written.", nameof(value));
        }
    }

    private static GgufValueType TypeOf(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.String => GgufValueType.Text,
        TypeCode.UInt32 => GgufValueType.UInt32,
        TypeCode.UInt64 => GgufValueType.UInt64,
        TypeCode.Int32 => GgufValueType.Int32,
        TypeCode.Single => GgufValueType.Float32,
        TypeCode.Boolean => GgufValueType.Bool,
        _ => throw new ArgumentException($"Values of type {type} are not written.", nameof(type)),
    };
}
