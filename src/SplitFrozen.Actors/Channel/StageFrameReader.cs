using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Reads what <see cref="StageFrameWriter"/> writes: nothing is allocated by a length that is not held against the limit and the other lengths. Used by one thread at a time.</summary>
/// <param name="width">Hidden size D.</param>
/// <param name="maxFrameBytes">Largest frame.</param>
/// <param name="life">The device's incarnation, or 0.</param>
internal sealed class StageFrameReader(int width, int maxFrameBytes, long life = 0)
{
    private readonly PayloadReader _payload = new();
    private readonly byte[] _fixed = new byte[StageFrameLayout.FixedBytes];

    /// <summary>Bytes of the frames begun so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Reads one frame with blocking reads.</summary>
    /// <returns>The frame, or null when the stream ended between two frames.</returns>
    /// <exception cref="FrameException">The frame was refused.</exception>
    public StageFrame? Read(Stream stream)
    {
        var first = stream.ReadAtLeast(_fixed, _fixed.Length, throwOnEndOfStream: false);
        if (first == 0)
        {
            return null;
        }

        FrameException.Require(first == _fixed.Length, FrameFault.Truncated, "the connection ended inside a header");
        var sizes = CheckSizes();
        var buffer = ArrayPool<byte>.Shared.Rent(sizes.Header);
        try
        {
            var header = buffer.AsSpan(0, sizes.Header);
            _fixed.CopyTo(header);
            PayloadReader.Fill(stream, header[StageFrameLayout.FixedBytes..]);
            FrameException.Require(
                BinaryPrimitives.ReadUInt64LittleEndian(header[^StageFrameLayout.ChecksumBytes..]) == XxHash3.HashToUInt64(header[..^StageFrameLayout.ChecksumBytes]),
                FrameFault.BadChecksum, "the header's checksum does not match");
            var sender = BinaryPrimitives.ReadInt64LittleEndian(header[StageFrameLayout.Life..]);
            FrameException.Require(sender == life, FrameFault.StaleIncarnation, $"incarnation {sender}, the connection was opened by {life}");
            Bytes += (long)sizes.Header + sizes.Payload;
            var values = MemoryMarshal.Cast<byte, int>(header[StageFrameLayout.Values..StageFrameLayout.Life]);
            var rest = header[StageFrameLayout.FixedBytes..^StageFrameLayout.ChecksumBytes];
            return sizes.Kind == StageFrameLayout.TensorKind ? ReadTensor(stream, values, rest, sizes) : ReadRows(stream, values, rest, sizes.Kind);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private Sizes CheckSizes()
    {
        ReadOnlySpan<byte> at = _fixed;
        FrameException.Require(BinaryPrimitives.ReadUInt32LittleEndian(at) == StageFrameLayout.Magic, FrameFault.NotAFrame, "the bytes are not a frame between server nodes");
        var version = BinaryPrimitives.ReadUInt16LittleEndian(at[StageFrameLayout.Version..]);
        FrameException.Require(version == ProtocolVersion.Current, FrameFault.OtherVersion, $"frame version {version}, this node speaks {ProtocolVersion.Current}");
        var sizes = new Sizes(
            at[StageFrameLayout.Kind], BinaryPrimitives.ReadInt32LittleEndian(at[StageFrameLayout.HeaderBytes..]),
            BinaryPrimitives.ReadInt32LittleEndian(at[StageFrameLayout.PayloadBytes..]));
        FrameException.Require(
            sizes.Kind <= StageFrameLayout.TensorKind && sizes.Header >= StageFrameLayout.FixedBytes + StageFrameLayout.ChecksumBytes
            && sizes.Payload >= StageFrameLayout.ChecksumBytes && (long)sizes.Header + sizes.Payload <= maxFrameBytes,
            FrameFault.BadSizes, $"sizes {sizes} exceed the limit of {maxFrameBytes} bytes (splitfrozen.channel.max-frame-bytes) or make no frame");
        CheckCounts(MemoryMarshal.Cast<byte, int>(at[StageFrameLayout.Values..]), sizes);
        return sizes;
    }

    private void CheckCounts(ReadOnlySpan<int> values, Sizes sizes)
    {
        if (sizes.Kind == StageFrameLayout.TensorKind)
        {
            var (place, count, name, rank) = (values[2], values[3], values[5], values[6]);
            FrameException.Require(
                place >= 0 && place < count && name is > 0 and <= StageFrameLayout.MostNameBytes && rank is >= 0 and <= StageFrameLayout.MostRank
                && sizes.Header == StageFrameLayout.TensorHeader(name, rank),
                FrameFault.BadSizes, $"tensor {place} of {count} with {name} bytes of name and rank {rank} contradicts sizes {sizes}");
            return;
        }

        var (samples, tokens, targets) = (values[4], values[5], values[6]);
        FrameException.Require(
            samples > 0 && tokens >= samples && targets >= 0 && values[7] == width
            && sizes.Header == StageFrameLayout.RowsHeader(samples, targets) && sizes.Payload == PayloadWriter.Size(ActivationCodec.Fp32, tokens, width),
            FrameFault.BadSizes, $"{samples} samples, {tokens} tokens, {targets} targets and width {values[7]} contradict sizes {sizes}");
    }

    private StageFrame.RowsFor ReadRows(Stream stream, ReadOnlySpan<int> values, ReadOnlySpan<byte> rest, byte kind)
    {
        var (samples, tokens, targets) = (values[4], values[5], values[6]);
        var ints = MemoryMarshal.Cast<byte, int>(rest[..(4 * (samples + targets))]);
        var lengths = ints[..samples].ToArray();
        FrameException.Require(
            Array.TrueForAll(lengths, l => l >= 1) && lengths.Sum(l => (long)l) == tokens, FrameFault.BadHeader, "the lengths do not add up to the tokens");
        var keys = MemoryMarshal.Cast<byte, long>(rest[(4 * (samples + targets))..]).ToArray();
        var rented = ArrayPool<float>.Shared.Rent(tokens * width);
        try
        {
            _payload.Read(stream, ActivationCodec.Fp32, rented.AsSpan(0, tokens * width), width);
        }
        catch
        {
            ArrayPool<float>.Shared.Return(rented);
            throw;
        }

        var batch = new ActivationBatch(rented.AsMemory(0, tokens * width), lengths, ints[samples..].ToArray(), keys);
        return new StageFrame.RowsFor(values[0], new StageRows(values[1], (RowsKind)kind, new MicroBatchId(values[2], values[3]), batch, rented));
    }

    private static StageFrame.Tensor ReadTensor(Stream stream, ReadOnlySpan<int> values, ReadOnlySpan<byte> rest, Sizes sizes)
    {
        var (place, count, name) = (values[2], values[3], values[5]);
        var text = Encoding.UTF8.GetString(rest[..name]);
        var shape = MemoryMarshal.Cast<byte, long>(rest[name..]).ToArray();
        var bytes = new byte[sizes.Payload - StageFrameLayout.ChecksumBytes];
        PayloadReader.Fill(stream, bytes);
        Span<byte> checksum = stackalloc byte[StageFrameLayout.ChecksumBytes];
        PayloadReader.Fill(stream, checksum);
        FrameException.Require(
            BinaryPrimitives.ReadUInt64LittleEndian(checksum) == XxHash3.HashToUInt64(bytes), FrameFault.BadChecksum, $"the checksum of {text} does not match");
        return new StageFrame.Tensor(values[0], values[1], place, count, values[4] == 1, new TensorData(text, shape, bytes));
    }

    private readonly record struct Sizes(byte Kind, int Header, int Payload);
}
