using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

using SplitFrozen.Domain.Codecs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Reads what <see cref="PayloadWriter"/> writes: decodes, checks that all values are finite, and checks the checksum, in one pass over pieces that are
/// still in the processor's cache when they are looked at. Used by one thread at a time.
/// </summary>
internal sealed class PayloadReader
{
    private readonly XxHash3 _hash = new();
    private byte[] _encoded = [];

    /// <summary>Reads one payload.</summary>
    /// <param name="stream">Where from; blocks.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="values">[T, D], row-major; not to be used after an exception.</param>
    /// <param name="width">D.</param>
    /// <exception cref="FrameException">The stream ended, the checksum does not match, or a value is not finite.</exception>
    public void Read(Stream stream, ActivationCodec codec, Span<float> values, int width)
    {
        _hash.Reset();
        var finite = codec == ActivationCodec.Fp32 ? ReadPlain(stream, values) : ReadEncoded(stream, codec, values, width);
        Span<byte> checksum = stackalloc byte[FrameLayout.ChecksumBytes];
        Fill(stream, checksum);
        FrameException.Require(
            BinaryPrimitives.ReadUInt64LittleEndian(checksum) == _hash.GetCurrentHashAsUInt64(),
            FrameFault.BadChecksum, "the activations' checksum does not match");
        FrameException.Require(finite, FrameFault.NotFinite, "an activation is not a finite number");
    }

    /// <summary>Fills a span, or refuses the frame as cut off.</summary>
    public static void Fill(Stream stream, Span<byte> to) =>
        FrameException.Require(
            stream.ReadAtLeast(to, to.Length, throwOnEndOfStream: false) == to.Length,
            FrameFault.Truncated, "the connection ended inside a frame");

    private bool ReadPlain(Stream stream, Span<float> values)
    {
        var finite = true;
        while (!values.IsEmpty)
        {
            var piece = values[..Math.Min(PayloadWriter.PieceBytes / sizeof(float), values.Length)];
            var bytes = MemoryMarshal.AsBytes(piece);
            Fill(stream, bytes);
            _hash.Append(bytes);
            finite &= FiniteValues.All(piece);
            values = values[piece.Length..];
        }

        return finite;
    }

    private bool ReadEncoded(Stream stream, ActivationCodec codec, Span<float> values, int width)
    {
        var rowBytes = RowCodec.RowBytes(codec, width);
        var rows = Math.Clamp(PayloadWriter.PieceBytes / rowBytes, 1, values.Length / width);
        if (_encoded.Length < rows * rowBytes)
        {
            _encoded = new byte[rows * rowBytes];
        }

        var finite = true;
        while (!values.IsEmpty)
        {
            var some = values[..Math.Min(rows * width, values.Length)];
            var piece = _encoded.AsSpan(0, some.Length / width * rowBytes);
            Fill(stream, piece);
            _hash.Append(piece);
            finite &= RowCodec.Decode(codec, piece, width, some);
            values = values[some.Length..];
        }

        return finite;
    }
}
