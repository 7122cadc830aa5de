using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Writes forward units as frames; used by one thread at a time.</summary>
internal sealed class FrameWriter(ActivationCodec codec)
{
    private readonly PayloadWriter _payload = new();

    /// <summary>Writes one frame with blocking writes: the header from a pooled buffer, the activations from where they lie.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="sequence">Place of the frame in the device's life, from 0.</param>
    /// <returns>Bytes written.</returns>
    public long Write(Stream stream, ActivationUnit unit, int sequence)
    {
        var header = unit.Header;
        var size = checked((int)FrameLayout.HeaderSize(header.Samples.Length, header.Targets.Length));
        var payload = PayloadWriter.Size(codec, header.Tokens, header.Width);
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            Fill(buffer.AsSpan(0, size), header, checked((int)payload), sequence);
            stream.Write(buffer, 0, size);
            _payload.Write(stream, codec, unit.Values.Span, header.Width);
            return size + payload;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Fill(Span<byte> to, UnitHeader header, int payloadBytes, int sequence)
    {
        to.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, FrameLayout.Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[FrameLayout.Version..], ProtocolVersion.Current);
        to[FrameLayout.Codec] = (byte)codec;
        Put(to, FrameLayout.HeaderBytes, to.Length);
        Put(to, FrameLayout.PayloadBytes, payloadBytes);
        BinaryPrimitives.WriteInt64LittleEndian(to[FrameLayout.Incarnation..], header.Incarnation.Value);
        Put(to, FrameLayout.Allocation, header.Allocation.Value);
        Put(to, FrameLayout.GrantEpoch, header.Grant.Epoch);
        Put(to, FrameLayout.GrantNumber, header.Grant.Number);
        Put(to, FrameLayout.Unit, header.Unit);
        Put(to, FrameLayout.Depth, header.Depth);
        Put(to, FrameLayout.Width, header.Width);
        Put(to, FrameLayout.Samples, header.Samples.Length);
        Put(to, FrameLayout.Tokens, header.Tokens);
        Put(to, FrameLayout.Targets, header.Targets.Length);
        Put(to, FrameLayout.Sequence, sequence);

        var rest = to[FrameLayout.FixedBytes..];
        foreach (var values in (ReadOnlySpan<int[]>)[header.Samples, header.Lengths, header.Targets])
        {
            MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(rest);
            rest = rest[(4 * values.Length)..];
        }

        BinaryPrimitives.WriteUInt64LittleEndian(rest, XxHash3.HashToUInt64(to[..^FrameLayout.ChecksumBytes]));
    }

    private static void Put(Span<byte> to, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(to[at..], value);
}
