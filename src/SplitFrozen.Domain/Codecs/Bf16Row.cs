using System.Numerics;
using System.Runtime.InteropServices;

namespace SplitFrozen.Domain.Codecs;

/// <summary>
/// bfloat16: sign, 8 bits of exponent, 7 of fraction. Rounded to nearest, ties to even: the relative error of normal numbers is at most 2⁻⁸. What
/// would round to infinity becomes the largest finite value; what is not finite becomes NaN.
/// </summary>
internal static class Bf16Row
{
    private const uint Sign = 0x80000000;
    private const uint Exponent = 0x7f800000;
    private const uint Largest = 0x7f7f0000;
    private const uint NotANumber = 0x7fc00000;

    public static void Encode(ReadOnlySpan<float> row, Span<byte> to)
    {
        var bits = MemoryMarshal.Cast<float, uint>(row);
        var halves = MemoryMarshal.Cast<byte, ushort>(to);
        var step = Vector<uint>.Count;
        var at = 0;
        for (; at <= bits.Length - (2 * step); at += 2 * step)
        {
            Vector.Narrow(Round(new Vector<uint>(bits[at..])), Round(new Vector<uint>(bits[(at + step)..]))).CopyTo(halves[at..]);
        }

        for (; at < bits.Length; at++)
        {
            halves[at] = (ushort)Round(new Vector<uint>(bits[at]))[0];
        }
    }

    public static bool Decode(ReadOnlySpan<byte> from, Span<float> row)
    {
        var halves = MemoryMarshal.Cast<byte, ushort>(from);
        var bits = MemoryMarshal.Cast<float, uint>(row);
        var step = Vector<ushort>.Count;
        var at = 0;
        for (; at <= halves.Length - step; at += step)
        {
            Vector.Widen(new Vector<ushort>(halves[at..]), out var low, out var high);
            (low << 16).CopyTo(bits[at..]);
            (high << 16).CopyTo(bits[(at + (step / 2))..]);
        }

        for (; at < halves.Length; at++)
        {
            bits[at] = (uint)halves[at] << 16;
        }

        return FiniteValues.All(row);
    }

    private static Vector<uint> Round(Vector<uint> bits)
    {
        var exponent = new Vector<uint>(Exponent);
        var even = (bits >> 16) & Vector<uint>.One;
        var rounded = bits + new Vector<uint>(0x7fff) + even;
        var overflown = Vector.Equals(rounded & exponent, exponent);
        var notFinite = Vector.Equals(bits & exponent, exponent);
        var finite = Vector.ConditionalSelect(overflown, (bits & new Vector<uint>(Sign)) | new Vector<uint>(Largest), rounded);
        return Vector.ConditionalSelect(notFinite, new Vector<uint>(NotANumber), finite) >> 16;
    }
}
