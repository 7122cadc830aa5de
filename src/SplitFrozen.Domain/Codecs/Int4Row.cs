using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SplitFrozen.Domain.Codecs;

/// <summary>
/// A row in blocks of 32 channels, each a scale s (f16) and 32 four-bit codes q + 8 in 16 bytes, channel i in the low and channel i + 16 in the high
/// half of byte i: x ≈ s · q with s = max|x| / 7 rounded to f16. No value is off by more than s / 2 + 7 · max(s · 2⁻¹¹, 2⁻²⁵). Blocks with a value above
/// 7 · 65504 are clipped. The last block of a width that 32 does not divide is filled up with zeros.
/// </summary>
internal static class Int4Row
{
    public const int BlockSize = 32;
    public const int BlockBytes = sizeof(ushort) + (BlockSize / 2);
    private const float Steps = 7;
    private const int Zero = 8;

    public static int Blocks(int width) => (width + BlockSize - 1) / BlockSize;

    public static void Encode(ReadOnlySpan<float> row, Span<byte> to)
    {
        Span<float> last = stackalloc float[BlockSize];
        for (; !row.IsEmpty; row = row[Math.Min(BlockSize, row.Length)..], to = to[BlockBytes..])
        {
            if (row.Length >= BlockSize)
            {
                EncodeBlock(row[..BlockSize], to[..BlockBytes]);
                continue;
            }

            last.Clear();
            row.CopyTo(last);
            EncodeBlock(last, to[..BlockBytes]);
        }
    }

    public static bool Decode(ReadOnlySpan<byte> from, Span<float> row)
    {
        Span<float> last = stackalloc float[BlockSize];
        var finite = true;
        for (; !row.IsEmpty; row = row[Math.Min(BlockSize, row.Length)..], from = from[BlockBytes..])
        {
            if (row.Length >= BlockSize)
            {
                finite &= DecodeBlock(from[..BlockBytes], row[..BlockSize]);
                continue;
            }

            finite &= DecodeBlock(from[..BlockBytes], last);
            last[..row.Length].CopyTo(row);
        }

        return finite;
    }

    private static void EncodeBlock(ReadOnlySpan<float> block, Span<byte> to)
    {
        var largest = FiniteValues.LargestMagnitude(block);
        var scale = (Half)(float.IsFinite(largest) ? Math.Min(largest / Steps, (float)Half.MaxValue) : largest);
        BinaryPrimitives.WriteHalfLittleEndian(to, scale);
        var codes = to[sizeof(ushort)..];
        if (scale == Half.Zero || !Half.IsFinite(scale))
        {
            codes.Fill(Zero | (Zero << 4));
            return;
        }

        (Quantise(block[..16], (float)scale) | (Quantise(block[16..], (float)scale) << 4)).CopyTo(codes);
    }

    private static bool DecodeBlock(ReadOnlySpan<byte> from, Span<float> block)
    {
        var scale = BinaryPrimitives.ReadHalfLittleEndian(from);
        if (!Half.IsFinite(scale) || Half.IsNegative(scale))
        {
            return false;
        }

        var codes = Vector128.Create(from[sizeof(ushort)..]);
        var factor = Vector128.Create((float)scale);
        Scale(codes & Vector128.Create((byte)0x0f), factor, block[..16]);
        Scale(codes >>> 4, factor, block[16..]);
        return true;
    }

    /// <summary>Sixteen values to codes 1..15.</summary>
    private static Vector128<byte> Quantise(ReadOnlySpan<float> values, float scale)
    {
        var quarters = MemoryMarshal.Cast<float, Vector128<float>>(values);
        var low = Vector128.Narrow(Quantise(quarters[0], scale), Quantise(quarters[1], scale));
        var high = Vector128.Narrow(Quantise(quarters[2], scale), Quantise(quarters[3], scale));
        return Vector128.Narrow(low, high).AsByte();
    }

    private static Vector128<int> Quantise(Vector128<float> values, float scale)
    {
        var rounded = Vector128.Round(values / Vector128.Create(scale));
        var clipped = Vector128.Min(Vector128.Max(rounded, Vector128.Create(-Steps)), Vector128.Create(Steps));
        return Vector128.ConvertToInt32(clipped) + Vector128.Create(Zero);
    }

    private static void Scale(Vector128<byte> codes, Vector128<float> factor, Span<float> to)
    {
        var (low, high) = Vector128.Widen(codes.AsSByte() - Vector128.Create((sbyte)Zero));
        Scale(low, factor, to);
        Scale(high, factor, to[8..]);
    }

    private static void Scale(Vector128<short> codes, Vector128<float> factor, Span<float> to)
    {
        var (low, high) = Vector128.Widen(codes);
        (Vector128.ConvertToSingle(low) * factor).CopyTo(to);
        (Vector128.ConvertToSingle(high) * factor).CopyTo(to[4..]);
    }
}
