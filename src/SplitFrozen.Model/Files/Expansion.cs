using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Model.Files;

/// <summary>Expands stored numbers to float32. Exact: what a stored number stands for is a float32.</summary>
internal static unsafe class Expansion
{
    /// <summary>Numbers written through one span, which cannot exceed 2 GiB; whole blocks of every format.</summary>
    private const int ChunkElements = 1 << 26;

    /// <summary>Expands numbers that fill whole blocks, after checking that the source holds them.</summary>
    public static void Run(NumberFormat format, ReadOnlySpan<byte> source, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Length, format.Bytes(target.Length));
        fixed (byte* first = source)
        fixed (float* numbers = target)
        {
            Run(format, first, numbers, target.Length);
        }
    }

    /// <summary>Expands numbers that fill whole blocks.</summary>
    /// <param name="format">How they are stored.</param>
    /// <param name="source">The first stored byte, of any alignment.</param>
    /// <param name="target">Receives the numbers.</param>
    /// <param name="count">How many.</param>
    public static void Run(NumberFormat format, byte* source, float* target, long count)
    {
        for (long start = 0; start < count; start += ChunkElements)
        {
            RunChunk(format, source + format.Bytes(start), new Span<float>(target + start, (int)Math.Min(ChunkElements, count - start)));
        }
    }

    private static void RunChunk(NumberFormat format, byte* source, Span<float> target)
    {
        switch (format.Name)
        {
            case "F32":
                new ReadOnlySpan<byte>(source, target.Length * sizeof(float)).CopyTo(MemoryMarshal.AsBytes(target));
                break;
            case "F16":
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(source, target.Length), target);
                break;
            case "BF16":
                Widen(new ReadOnlySpan<ushort>(source, target.Length), MemoryMarshal.Cast<float, uint>(target));
                break;
            default:
                QuantizedBlocks.Expand(format, source, target);
                break;
        }
    }

    /// <summary>bfloat16 is the upper half of a float32.</summary>
    private static void Widen(ReadOnlySpan<ushort> source, Span<uint> target)
    {
        TensorPrimitives.ConvertTruncating(source, target);
        TensorPrimitives.ShiftLeft(target, 16, target);
    }
}
