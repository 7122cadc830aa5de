using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace SplitFrozen.Domain.Codecs;

/// <summary>
/// A row as scale s (f32) and signed bytes q: x ≈ s · q with s = max|x| / 127, so that no value is off by more than s / 2. A row with an outlier
/// channel is as coarse as that channel asks.
/// </summary>
internal static class Int8Row
{
    public const int ScaleBytes = sizeof(float);
    private const float Steps = 127;

    /// <summary>Above this a decoded value could overflow; magnitudes above 127 times it are clipped.</summary>
    private const float LargestScale = float.MaxValue / 128;

    /// <summary>Below this the row is written as zeros: quotients by subnormal numbers are not to be relied on.</summary>
    private const float SmallestScale = 1.17549435e-38f;

    public static void Encode(ReadOnlySpan<float> row, Span<byte> to)
    {
        var scale = FiniteValues.LargestMagnitude(row) / Steps;
        scale = scale < SmallestScale ? 0 : float.IsFinite(scale) ? Math.Min(scale, LargestScale) : scale;
        BinaryPrimitives.WriteSingleLittleEndian(to, scale);
        var codes = MemoryMarshal.Cast<byte, sbyte>(to[ScaleBytes..]);
        if (scale == 0 || !float.IsFinite(scale))
        {
            codes.Clear();
            return;
        }

        var step = Vector<float>.Count;
        var at = 0;
        for (; at <= row.Length - (4 * step); at += 4 * step)
        {
            var low = Vector.Narrow(Quantise(row[at..], scale), Quantise(row[(at + step)..], scale));
            var high = Vector.Narrow(Quantise(row[(at + (2 * step))..], scale), Quantise(row[(at + (3 * step))..], scale));
            Vector.Narrow(low, high).CopyTo(codes[at..]);
        }

        for (; at < row.Length; at++)
        {
            codes[at] = (sbyte)Math.Clamp(MathF.Round(row[at] / scale), -Steps, Steps);
        }
    }

    public static bool Decode(ReadOnlySpan<byte> from, Span<float> row)
    {
        var scale = BinaryPrimitives.ReadSingleLittleEndian(from);
        if (!(scale is >= 0 and <= LargestScale))
        {
            return false;
        }

        var codes = MemoryMarshal.Cast<byte, sbyte>(from[ScaleBytes..]);
        var factor = new Vector<float>(scale);
        var step = Vector<float>.Count;
        var at = 0;
        for (; at <= codes.Length - (4 * step); at += 4 * step)
        {
            Vector.Widen(new Vector<sbyte>(codes[at..]), out var low, out var high);
            Scale(low, factor, row[at..]);
            Scale(high, factor, row[(at + (2 * step))..]);
        }

        for (; at < codes.Length; at++)
        {
            row[at] = codes[at] * scale;
        }

        return true;
    }

    private static Vector<int> Quantise(ReadOnlySpan<float> from, float scale)
    {
        var rounded = Vector.Round(new Vector<float>(from) / new Vector<float>(scale));
        return Vector.ConvertToInt32(Vector.Min(Vector.Max(rounded, new Vector<float>(-Steps)), new Vector<float>(Steps)));
    }

    private static void Scale(Vector<short> codes, Vector<float> factor, Span<float> to)
    {
        Vector.Widen(codes, out var low, out var high);
        (Vector.ConvertToSingle(low) * factor).CopyTo(to);
        (Vector.ConvertToSingle(high) * factor).CopyTo(to[Vector<float>.Count..]);
    }
}
