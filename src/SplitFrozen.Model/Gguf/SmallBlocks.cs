using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SplitFrozen.Model.Gguf;

/// <summary>Q4_0: 32 numbers d · (q - 8); scale d, then the four-bit q: the first 16 in the lower halves of 16 bytes, the others in the upper.</summary>
internal readonly unsafe struct BlockQ40 : IQuantizedBlock
{
    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        float scale = BlockVectors.Scale(block);
        var eight = Vector128.Create((sbyte)8);
        BlockVectors.Write(BlockVectors.Low(block + 2).AsSByte() - eight, scale, target);
        BlockVectors.Write(BlockVectors.High(block + 2).AsSByte() - eight, scale, target + 16);
    }
}

/// <summary>Q4_1: 32 numbers d · q + m; scale d, offset m, then q as in Q4_0.</summary>
internal readonly unsafe struct BlockQ41 : IQuantizedBlock
{
    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        float scale = BlockVectors.Scale(block);
        float offset = BlockVectors.Scale(block + 2);
        BlockVectors.Write(BlockVectors.Low(block + 4), scale, offset, target);
        BlockVectors.Write(BlockVectors.High(block + 4), scale, offset, target + 16);
    }
}

/// <summary>Q5_0: 32 numbers d · (q - 16); scale d, the fifth bits of q in 32 bits, then the lower four as in Q4_0.</summary>
internal readonly unsafe struct BlockQ50 : IQuantizedBlock
{
    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        float scale = BlockVectors.Scale(block);
        uint fifth = Unsafe.ReadUnaligned<uint>(block + 2);
        var sixteen = Vector128.Create((sbyte)16);
        BlockVectors.Write((BlockVectors.Low(block + 6) | BlockVectors.Bits((ushort)fifth, 16)).AsSByte() - sixteen, scale, target);
        BlockVectors.Write((BlockVectors.High(block + 6) | BlockVectors.Bits((ushort)(fifth >> 16), 16)).AsSByte() - sixteen, scale, target + 16);
    }
}

/// <summary>Q5_1: 32 numbers d · q + m; scale d, offset m, then q as in Q5_0.</summary>
internal readonly unsafe struct BlockQ51 : IQuantizedBlock
{
    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        float scale = BlockVectors.Scale(block);
        float offset = BlockVectors.Scale(block + 2);
        uint fifth = Unsafe.ReadUnaligned<uint>(block + 4);
        BlockVectors.Write(BlockVectors.Low(block + 8) | BlockVectors.Bits((ushort)fifth, 16), scale, offset, target);
        BlockVectors.Write(BlockVectors.High(block + 8) | BlockVectors.Bits((ushort)(fifth >> 16), 16), scale, offset, target + 16);
    }
}

/// <summary>Q8_0: 32 numbers d · q; scale d, then the signed bytes q.</summary>
internal readonly unsafe struct BlockQ80 : IQuantizedBlock
{
    /// <inheritdoc/>
    public static void Expand(byte* block, float* target)
    {
        float scale = BlockVectors.Scale(block);
        BlockVectors.Write(Vector128.Load(block + 2).AsSByte(), scale, target);
        BlockVectors.Write(Vector128.Load(block + 18).AsSByte(), scale, target + 16);
    }
}
