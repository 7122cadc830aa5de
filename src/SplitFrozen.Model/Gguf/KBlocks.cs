using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SplitFrozen.Model.Gguf;

/// <summary>
/// Q4_K: 256 numbers in eight groups of 32, d · s_g · q - dmin · m_g: scales d and dmin, twelve bytes of six-bit s and m, then the four-bit q,
/// a pair of groups in the lower and upper halves of 32 bytes.
/// </summary>
internal readonly unsafe struct BlockQ4K : IQuantizedBlock
{
    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        for (int pair = 0; pair < 4; pair++, target += 64)
        {
            byte* numbers = block + 16 + (32 * pair);
            var (scale, offset) = GroupScales.Of(block, 2 * pair);
            BlockVectors.Write(BlockVectors.Low(numbers), scale, offset, target);
            BlockVectors.Write(BlockVectors.Low(numbers + 16), scale, offset, target + 16);
            (scale, offset) = GroupScales.Of(block, (2 * pair) + 1);
            BlockVectors.Write(BlockVectors.High(numbers), scale, offset, target + 32);
            BlockVectors.Write(BlockVectors.High(numbers + 16), scale, offset, target + 48);
        }
    }
}

/// <summary>Q5_K: as Q4_K, with the fifth bits of q before the others: bit g of byte i belongs to number i of group g.</summary>
internal readonly unsafe struct BlockQ5K : IQuantizedBlock
{
    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        for (int group = 0; group < 8; group++, target += 32)
        {
            byte* numbers = block + 48 + (32 * (group / 2));
            var (scale, offset) = GroupScales.Of(block, group);
            for (int part = 0; part < 32; part += 16)
            {
                var lower = (group & 1) == 0 ? BlockVectors.Low(numbers + part) : BlockVectors.High(numbers + part);
                var fifth = ((Vector128.Load(block + 16 + part) >>> group) & Vector128<byte>.One) << 4;
                BlockVectors.Write(lower | fifth, scale, offset, target + part);
            }
        }
    }
}

/// <summary>
/// Q6_K: 256 numbers in groups of 16, d · s_g · (q - 32): the lower four bits of q, the upper two, sixteen signed bytes s, the scale d. Each half
/// of the block holds four runs of 32 numbers whose bits share bytes.
/// </summary>
internal readonly unsafe struct BlockQ6K : IQuantizedBlock
{
    private const int LowerBytes = 128;
    private const int UpperBytes = 64;
    private const int Scales = LowerBytes + UpperBytes;

    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        float scale = BlockVectors.Scale(block + Scales + 16);
        var center = Vector128.Create((sbyte)32);
        for (int group = 0; group < 16; group++, target += 16)
        {
            int half = group / 8;
            int run = group / 2 % 4;
            int part = 16 * (group % 2);
            byte* lowerBytes = block + (64 * half) + (32 * (run % 2)) + part;
            var lower = run < 2 ? BlockVectors.Low(lowerBytes) : BlockVectors.High(lowerBytes);
            var upper = ((Vector128.Load(block + LowerBytes + (32 * half) + part) >>> (2 * run)) & Vector128.Create((byte)3)) << 4;
            float groupScale = scale * (sbyte)block[Scales + group];
            BlockVectors.Write((lower | upper).AsSByte() - center, groupScale, target);
        }
    }
}

/// <summary>The scales of a group of Q4_K and Q5_K.</summary>
internal static unsafe class GroupScales
{
    /// <summary>
    /// d · s_g and -dmin · m_g. The six-bit s and m of groups 0 to 3 are the lower bits of bytes 0 to 3 and 4 to 7; those of groups 4 to 7 have
    /// their lower four bits in bytes 8 to 11 and their upper two on top of bytes 0 to 7.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (float Scale, float Offset) Of(byte* block, int group)
    {
        byte* packed = block + 4;
        int scale;
        int offset;
        if (group < 4)
        {
            scale = packed[group] & 63;
            offset = packed[group + 4] & 63;
        }
        else
        {
            scale = (packed[group + 4] & 0x0F) | (packed[group - 4] >> 6 << 4);
            offset = (packed[group + 4] >> 4) | (packed[group] >> 6 << 4);
        }

        return (BlockVectors.Scale(block) * scale, -(BlockVectors.Scale(block + 2) * offset));
    }
}
