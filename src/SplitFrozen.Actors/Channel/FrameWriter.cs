using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Writes forward units as frames.</summary>
internal static class FrameWriter
{
    /// <summary>Writes one frame with blocking writes: the header from a pooled buffer, the activations from where they lie.</summary>
    /// <returns>Bytes written.</returns>
    public static long Write(Stream stream, ActivationUnit unit)
    {
        var header = unit.Header;
        var payload = MemoryMarshal.AsBytes(unit.Values.Span);
        var size = checked((int)FrameLayout.HeaderSize(header.Samples.Length, header.Targets.Length));
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            Fill(buffer.AsSpan(0, size), header, payload);
            stream.Write(buffer, 0, size);
            stream.Write(payload);
            return size + payload.Length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Fill(Span<byte> to, UnitHeader header, ReadOnlySpan<byte> payload)
    {
        to.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, FrameLayout.Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[FrameLayout.Version..], ProtocolVersion.Current);
        to[FrameLayout.Codec] = (byte)ActivationCodec.Fp32;
        Put(to, FrameLayout.HeaderBytes, to.Length);
        Put(to, FrameLayout.PayloadBytes, payload.Length);
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
        BinaryPrimitives.WriteUInt64LittleEndian(to[FrameLayout.PayloadChecksum..], XxHash3.HashToUInt64(payload));

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
