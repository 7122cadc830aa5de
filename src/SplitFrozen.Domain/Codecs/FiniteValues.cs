using System.Numerics;
using System.Runtime.InteropServices;

namespace SplitFrozen.Domain.Codecs;

/// <summary>Checks and maxima over activations, vectorised.</summary>
public static class FiniteValues
{
    /// <summary>Exponent bits of a single; all set in infinities and NaN, and only there.</summary>
    private const int Exponent = 0x7f800000;

    /// <summary>Whether no value is infinite or NaN.</summary>
    public static bool All(ReadOnlySpan<float> values)
    {
        // Without the sign bit the bits order like magnitudes, so one integer maximum finds anything at or above infinity.
        var bits = MemoryMarshal.Cast<float, int>(values);
        var mask = new Vector<int>(int.MaxValue);
        var (first, second) = (Vector<int>.Zero, Vector<int>.Zero);
        var step = Vector<int>.Count;
        var at = 0;
        for (; at <= bits.Length - (2 * step); at += 2 * step)
        {
            first = Vector.Max(first, new Vector<int>(bits[at..]) & mask);
            second = Vector.Max(second, new Vector<int>(bits[(at + step)..]) & mask);
        }

        var finite = Vector.LessThanAll(Vector.Max(first, second), new Vector<int>(Exponent));
        for (; at < bits.Length; at++)
        {
            finite &= (bits[at] & int.MaxValue) < Exponent;
        }

        return finite;
    }

    /// <summary>The largest magnitude, 0 for no values; infinite or NaN if one of them is.</summary>
    public static float LargestMagnitude(ReadOnlySpan<float> values)
    {
        var bits = MemoryMarshal.Cast<float, int>(values);
        var mask = new Vector<int>(int.MaxValue);
        var best = Vector<int>.Zero;
        var at = 0;
        for (; at <= bits.Length - Vector<int>.Count; at += Vector<int>.Count)
        {
            best = Vector.Max(best, new Vector<int>(bits[at..]) & mask);
        }

        var largest = 0;
        for (var lane = 0; lane < Vector<int>.Count; lane++)
        {
            largest = Math.Max(largest, best[lane]);
        }

        for (; at < bits.Length; at++)
        {
            largest = Math.Max(largest, bits[at] & int.MaxValue);
        }

        return BitConverter.Int32BitsToSingle(largest);
    }
}
