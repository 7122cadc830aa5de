using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

using SplitFrozen.Domain.Codecs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Writes activations or gradients [T, D] with blocking writes: encoded by a codec, followed by a checksum (XXH3) of the encoded bytes. Works in pieces
/// that stay in the processor's cache. Used by one thread at a time.
/// </summary>
internal sealed class PayloadWriter
{
    /// <summary>Bytes handled at a time: small against a core's second-level cache, large against the cost of a system call.</summary>
    public const int PieceBytes = 128 * 1024;

    private readonly XxHash3 _hash = new();
    private byte[] _encoded = [];

    /// <summary>Bytes of a payload on the wire, its checksum included; 64-bit, since counts may lie.</summary>
    public static long Size(ActivationCodec codec, long rows, int width) => (rows * RowCodec.RowBytes(codec, width)) + FrameLayout.ChecksumBytes;

    /// <summary>Writes one payload.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="values">[T, D], row-major.</param>
    /// <param name="width">D.</param>
    public void Write(Stream stream, ActivationCodec codec, ReadOnlySpan<float> values, int width)
    {
        if (codec == ActivationCodec.Fp32)
        {
            WritePlain(stream, MemoryMarshal.AsBytes(values));
        }
        else
        {
            WriteEncoded(stream, codec, values, width);
        }

        Span<byte> checksum = stackalloc byte[FrameLayout.ChecksumBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, _hash.GetCurrentHashAsUInt64());
        _hash.Reset();
        stream.Write(checksum);
    }

    private void WritePlain(Stream stream, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(PieceBytes, bytes.Length)];
            _hash.Append(piece);
            stream.Write(piece);
            bytes = bytes[piece.Length..];
        }
    }

    private void WriteEncoded(Stream stream, ActivationCodec codec, ReadOnlySpan<float> values, int width)
    {
        var rowBytes = RowCodec.RowBytes(codec, width);
        var rows = Math.Clamp(PieceBytes / rowBytes, 1, values.Length / width);
        if (_encoded.Length < rows * rowBytes)
        {
            _encoded = new byte[rows * rowBytes];
        }

        while (!values.IsEmpty)
        {
            var some = values[..Math.Min(rows * width, values.Length)];
            var piece = _encoded.AsSpan(0, some.Length / width * rowBytes);
            RowCodec.Encode(codec, some, width, piece);
            _hash.Append(piece);
            stream.Write(piece);
            values = values[some.Length..];
        }
    }
}
