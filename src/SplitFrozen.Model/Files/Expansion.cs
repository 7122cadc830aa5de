using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Model.Files;

/// <summary>Expands stored numbers to float32. Exact: every stored number is a float32.</summary>
internal static unsafe class Expansion
{
    /// <summary>Expands numbers that fill whole blocks, after checking that the source holds them.</summary>
    public static void Run(NumberFormat format, ReadOnlySpan<byte> source, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Length, format.Bytes(target.Length));
        fixed (byte* first = source)
        {
            Run(format, first, target);
        }
    }

    /// <summary>Expands numbers that fill whole blocks.</summary>
    /// <param name="format">How they are stored.</param>
    /// <param name="source">The first stored byte, of any alignment.</param>
    /// <param name="target">Receives the numbers; its length says how many.</param>
    public static void Run(NumberFormat format, byte* source, Span<float> target)
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
