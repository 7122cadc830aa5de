using System.Runtime.InteropServices;

using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Codecs;

/// <summary>
/// Activations [T, D] to bytes and back, row by row, so that any whole number of rows can be coded apart from the rest. Little-endian. What is not
/// finite stays recognisable: <see cref="Decode"/> refuses it.
/// </summary>
public static class RowCodec
{
    /// <summary>Bytes of one row of <paramref name="width"/> values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The codec is not known.</exception>
    public static int RowBytes(ActivationCodec codec, int width) => codec switch
    {
        ActivationCodec.Fp32 => checked(sizeof(float) * width),
        ActivationCodec.Bf16 => checked(sizeof(ushort) * width),
        ActivationCodec.Int8 => checked(Int8Row.ScaleBytes + width),
        ActivationCodec.Int4 => checked(Int4Row.Blocks(width) * Int4Row.BlockBytes),
        _ => throw new ArgumentOutOfRangeException(nameof(codec), codec, "not a codec"),
    };

    /// <summary>Encodes whole rows.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="values">Activations [T, D].</param>
    /// <param name="width">D.</param>
    /// <param name="to">T · <see cref="RowBytes"/> bytes.</param>
    public static void Encode(ActivationCodec codec, ReadOnlySpan<float> values, int width, Span<byte> to)
    {
        var size = RowBytes(codec, width);
        for (; !values.IsEmpty; values = values[width..], to = to[size..])
        {
            EncodeRow(codec, values[..width], to[..size]);
        }
    }

    /// <summary>Decodes whole rows.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="from">T · <see cref="RowBytes"/> bytes.</param>
    /// <param name="width">D.</param>
    /// <param name="values">Activations [T, D].</param>
    /// <returns>Whether all values are finite; if not, <paramref name="values"/> must not be used.</returns>
    public static bool Decode(ActivationCodec codec, ReadOnlySpan<byte> from, int width, Span<float> values)
    {
        var size = RowBytes(codec, width);
        var finite = true;
        for (; !values.IsEmpty; values = values[width..], from = from[size..])
        {
            finite &= DecodeRow(codec, from[..size], values[..width]);
        }

        return finite;
    }

    private static void EncodeRow(ActivationCodec codec, ReadOnlySpan<float> row, Span<byte> to)
    {
        switch (codec)
        {
            case ActivationCodec.Fp32:
                MemoryMarshal.AsBytes(row).CopyTo(to);
                break;
            case ActivationCodec.Bf16:
                Bf16Row.Encode(row, to);
                break;
            case ActivationCodec.Int8:
                Int8Row.Encode(row, to);
                break;
            default:
                Int4Row.Encode(row, to);
                break;
        }
    }

    private static bool DecodeRow(ActivationCodec codec, ReadOnlySpan<byte> from, Span<float> row)
    {
        switch (codec)
        {
            case ActivationCodec.Fp32:
                from.CopyTo(MemoryMarshal.AsBytes(row));
                return FiniteValues.All(row);
            case ActivationCodec.Bf16:
                return Bf16Row.Decode(from, row);
            case ActivationCodec.Int8:
                return Int8Row.Decode(from, row);
            default:
                return Int4Row.Decode(from, row);
        }
    }
}
