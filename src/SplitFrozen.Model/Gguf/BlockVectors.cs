using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SplitFrozen.Model.Gguf;

/// <summary>
/// Vectors of 16 small numbers, in .NET's portable types. Products and sums stay apart: a fused multiply-add would give other last bits than
/// the reference.
/// </summary>
internal static unsafe class BlockVectors
{
    /// <summary>A float16 scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* half) => (float)Unsafe.ReadUnaligned<Half>(half);

    /// <summary>The lower four bits of 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Low(byte* bytes) => Vector128.Load(bytes) & Vector128.Create((byte)0x0F);

    /// <summary>The upper four bits of 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> High(byte* bytes) => Vector128.Load(bytes) >>> 4;

    /// <summary>Sixteen numbers from 16 bits: <paramref name="value"/> where the bit is set, else 0. Bit 0 is the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Bits(ushort bits, byte value)
    {
        var masks = Vector128.Create(0x8040_2010_0804_0201UL).AsByte();
        var spread = Vector128.Create(Vector64.Create((byte)bits), Vector64.Create((byte)(bits >> 8)));
        return Vector128.Equals(spread & masks, masks) & Vector128.Create(value);
    }

    /// <summary>Writes scale · q + offset for 16 numbers from 0 to 255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Vector128<byte> numbers, float scale, float offset, float* target)
    {
        var (low, high) = Vector128.Widen(numbers);
        Write(Vector128.WidenLower(low).AsInt32(), scale, offset, target);
        Write(Vector128.WidenUpper(low).AsInt32(), scale, offset, target + 4);
        Write(Vector128.WidenLower(high).AsInt32(), scale, offset, target + 8);
        Write(Vector128.WidenUpper(high).AsInt32(), scale, offset, target + 12);
    }

    /// <summary>Writes scale · q for 16 numbers from -128 to 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Vector128<sbyte> numbers, float scale, float* target)
    {
        var (low, high) = Vector128.Widen(numbers);
        Write(Vector128.WidenLower(low), scale, target);
        Write(Vector128.WidenUpper(low), scale, target + 4);
        Write(Vector128.WidenLower(high), scale, target + 8);
        Write(Vector128.WidenUpper(high), scale, target + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector128<int> numbers, float scale, float offset, float* target) =>
        ((Vector128.ConvertToSingle(numbers) * scale) + Vector128.Create(offset)).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector128<int> numbers, float scale, float* target) =>
        (Vector128.ConvertToSingle(numbers) * scale).Store(target);
}
