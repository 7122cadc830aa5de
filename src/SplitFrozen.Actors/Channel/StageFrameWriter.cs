using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Writes frames between server nodes, or between server and device, with blocking writes; used by one thread at a time.</summary>
/// <param name="width">Hidden size D.</param>
/// <param name="life">The device's incarnation, or 0.</param>
internal sealed class StageFrameWriter(int width, long life = 0)
{
    private readonly PayloadWriter _payload = new();

    /// <summary>Writes one frame.</summary>
    /// <returns>Bytes written.</returns>
    public long Write(Stream stream, StageFrame frame) => frame switch
    {
        StageFrame.RowsFor rows => Write(stream, rows),
        StageFrame.Tensor tensor => Write(stream, tensor),
        _ => throw new ArgumentOutOfRangeException(nameof(frame)),
    };

    private long Write(Stream stream, StageFrame.RowsFor frame)
    {
        var (rows, batch) = (frame.Rows, frame.Rows.Batch);
        var tokens = batch.Lengths.Sum();
        var size = checked((int)StageFrameLayout.RowsHeader(batch.Lengths.Length, batch.Targets.Length));
        var payload = checked((int)PayloadWriter.Size(ActivationCodec.Fp32, tokens, width));
        WriteHeader(stream, (byte)rows.Kind, size, payload, header =>
        {
            Values(header, frame.Stage, rows.Generation, rows.Id.Step, rows.Id.Index, batch.Lengths.Length, tokens, batch.Targets.Length, width);
            var at = header[StageFrameLayout.FixedBytes..];
            at = Put(at, MemoryMarshal.AsBytes<int>(batch.Lengths));
            at = Put(at, MemoryMarshal.AsBytes<int>(batch.Targets));
            // Gradients need no keys; the place stays, so that the sizes follow from the counts.
            at[..(8 * batch.Lengths.Length)].Clear();
            Put(at, MemoryMarshal.AsBytes<long>(batch.SampleKeys));
        });
        _payload.Write(stream, ActivationCodec.Fp32, batch.Values.Span[..(tokens * width)], width);
        return (long)size + payload;
    }

    private long Write(Stream stream, StageFrame.Tensor frame)
    {
        var name = Encoding.UTF8.GetBytes(frame.Data.Name);
        var sizes = frame.Data.Shape.ToArray();
        var bytes = frame.Data.Bytes.Span;
        var size = checked((int)StageFrameLayout.TensorHeader(name.Length, sizes.Length));
        WriteHeader(
            stream, StageFrameLayout.TensorKind, size, bytes.Length + StageFrameLayout.ChecksumBytes,
            header =>
            {
                Values(header, frame.Stage, frame.Steps, frame.Place, frame.Count, frame.IsOptimizer ? 1 : 0, name.Length, sizes.Length, 0);
                Put(Put(header[StageFrameLayout.FixedBytes..], name), MemoryMarshal.AsBytes<long>(sizes));
            });
        stream.Write(bytes);
        Span<byte> checksum = stackalloc byte[StageFrameLayout.ChecksumBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, XxHash3.HashToUInt64(bytes));
        stream.Write(checksum);
        return (long)size + bytes.Length + StageFrameLayout.ChecksumBytes;
    }

    private void WriteHeader(Stream stream, byte kind, int size, int payload, FillHeader fill)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var header = buffer.AsSpan(0, size);
            header[..StageFrameLayout.FixedBytes].Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(header, StageFrameLayout.Magic);
            BinaryPrimitives.WriteUInt16LittleEndian(header[StageFrameLayout.Version..], ProtocolVersion.Current);
            header[StageFrameLayout.Kind] = kind;
            BinaryPrimitives.WriteInt32LittleEndian(header[StageFrameLayout.HeaderBytes..], size);
            BinaryPrimitives.WriteInt32LittleEndian(header[StageFrameLayout.PayloadBytes..], payload);
            BinaryPrimitives.WriteInt64LittleEndian(header[StageFrameLayout.Life..], life);
            fill(header);
            BinaryPrimitives.WriteUInt64LittleEndian(
                header[^StageFrameLayout.ChecksumBytes..], XxHash3.HashToUInt64(header[..^StageFrameLayout.ChecksumBytes]));
            stream.Write(header);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Values(Span<byte> header, params ReadOnlySpan<int> values) =>
        MemoryMarshal.AsBytes(values).CopyTo(header[StageFrameLayout.Values..]);

    private static Span<byte> Put(Span<byte> to, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(to);
        return to[bytes.Length..];
    }

    private delegate void FillHeader(Span<byte> header);
}
