using System.Runtime.InteropServices;

namespace SplitFrozen.Model.Gguf;

/// <summary>Reads metadata values.</summary>
internal static class GgufValue
{
    /// <summary>Lists of lists exist in the format and in no published file; they must not exhaust the stack.</summary>
    private const int MaximumDepth = 4;

    /// <summary>A value: a <see cref="long"/>, <see cref="ulong"/>, <see cref="float"/>, <see cref="double"/>, <see cref="bool"/>, string, or an array of those.</summary>
    public static object Read(GgufReader reader, string key) => Read(reader, key, Type(reader, key), 0);

    private static GgufValueType Type(GgufReader reader, string key)
    {
        uint type = reader.UInt32($"the type of {key}");
        return type <= (uint)GgufValueType.Float64
            ? (GgufValueType)type
            : throw reader.Damaged($"metadata key {key} has the unknown type {type}");
    }

    private static object Read(GgufReader reader, string key, GgufValueType type, int depth) => type switch
    {
        GgufValueType.Text => reader.Text(key),
        GgufValueType.Array => ReadArray(reader, key, depth),
        GgufValueType.Bool => ReadBool(reader, key),
        GgufValueType.Float32 => BitConverter.UInt32BitsToSingle(reader.UInt32(key)),
        GgufValueType.Float64 => BitConverter.UInt64BitsToDouble(reader.UInt64(key)),
        GgufValueType.UInt64 => reader.UInt64(key) is var number && number <= long.MaxValue ? (long)number : number,
        _ => Integers(reader, key, type, 1)[0],
    };

    private static bool ReadBool(GgufReader reader, string key)
    {
        Span<byte> value = stackalloc byte[1];
        reader.Fill(value, key);
        return value[0] <= 1 ? value[0] == 1 : throw reader.Damaged($"metadata key {key} is a truth value of {value[0]}");
    }

    private static Array ReadArray(GgufReader reader, string key, int depth)
    {
        if (depth == MaximumDepth)
        {
            throw reader.Damaged($"metadata key {key} nests lists more than {MaximumDepth} deep");
        }

        var type = Type(reader, key);
        int count = reader.Count($"the number of items of {key}", LeastBytes(type));
        switch (type)
        {
            case GgufValueType.Text:
                return Items(count, () => reader.Text(key));
            case GgufValueType.Array:
                return Items<object>(count, () => ReadArray(reader, key, depth + 1));
            case GgufValueType.Bool:
                return Items(count, () => ReadBool(reader, key));
            case GgufValueType.Float32:
                return Raw<float>(reader, key, count);
            case GgufValueType.Float64:
                return Raw<double>(reader, key, count);
            case GgufValueType.UInt64:
                return Raw<ulong>(reader, key, count) is var numbers && Array.TrueForAll(numbers, number => number <= long.MaxValue)
                    ? Array.ConvertAll(numbers, number => (long)number)
                    : numbers;
            default:
                return Integers(reader, key, type, count);
        }
    }

    private static long[] Integers(GgufReader reader, string key, GgufValueType type, int count) => type switch
    {
        GgufValueType.UInt8 => Array.ConvertAll(Raw<byte>(reader, key, count), value => (long)value),
        GgufValueType.Int8 => Array.ConvertAll(Raw<sbyte>(reader, key, count), value => (long)value),
        GgufValueType.UInt16 => Array.ConvertAll(Raw<ushort>(reader, key, count), value => (long)value),
        GgufValueType.Int16 => Array.ConvertAll(Raw<short>(reader, key, count), value => (long)value),
        GgufValueType.UInt32 => Array.ConvertAll(Raw<uint>(reader, key, count), value => (long)value),
        GgufValueType.Int32 => Array.ConvertAll(Raw<int>(reader, key, count), value => (long)value),
        _ => Raw<long>(reader, key, count),
    };

    /// <summary>Numbers as they lie in the file; little-endian, as is every machine that libtorch is built for.</summary>
    private static T[] Raw<T>(GgufReader reader, string key, int count)
        where T : unmanaged
    {
        var items = new T[count];
        reader.Fill(MemoryMarshal.AsBytes(items.AsSpan()), key);
        return items;
    }

    private static T[] Items<T>(int count, Func<T> read)
    {
        var items = new T[count];
        for (int i = 0; i < count; i++)
        {
            items[i] = read();
        }

        return items;
    }

    /// <summary>Bytes that an item takes at least.</summary>
    private static int LeastBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.Array => sizeof(uint) + sizeof(ulong),
        _ => 8,
    };
}
