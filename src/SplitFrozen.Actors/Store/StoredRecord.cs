using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

using SplitFrozen.Domain.Store;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Store;

/// <summary>What stands at the head of a stored record.</summary>
/// <param name="Sample">The sample.</param>
/// <param name="Data">Fingerprint of the device's data, 64 hexadecimal digits.</param>
/// <param name="Tokens">Rows S.</param>
/// <param name="Targets">Number of targets.</param>
/// <param name="Bytes">Bytes of the whole record.</param>
internal readonly record struct RecordHead(StoredSample Sample, string Data, int Tokens, int Targets, int Bytes);

/// <summary>
/// Byte layout of a stored sample, little-endian. Head: 0 magic u32, 4 record bytes i32, 8 sample index i32, 12 tokens S i32, 16 targets i32,
/// 20 id bytes u16, 22 zero u16, 24 fingerprint of the device's data [32], 56 checksum u64 (XXH3) of the head without it, 64 device id (UTF-8).
/// Then the body: targets i32, rows [S] as the codec writes them. Then the seal [16] over head and body: a checksum, or an authentication tag.
/// </summary>
internal static class StoredRecord
{
    public const int FixedBytes = StoreSizes.HeadBytes;
    public const int SealBytes = StoreSizes.SealBytes;
    public const int MaxHeadBytes = FixedBytes + 64;
    private const uint Magic = 0x52414653; // "SFAR"
    private const int FingerprintBytes = 32;
    private const int Checksum = 56;

    /// <summary>Writes the head.</summary>
    /// <returns>Its bytes.</returns>
    public static int WriteHead(Span<byte> to, RecordHead head)
    {
        to[..FixedBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], head.Bytes);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], head.Sample.Index);
        BinaryPrimitives.WriteInt32LittleEndian(to[12..], head.Tokens);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], head.Targets);
        var id = Encoding.UTF8.GetBytes(head.Sample.Device.Value, to[FixedBytes..]);
        BinaryPrimitives.WriteUInt16LittleEndian(to[20..], (ushort)id);
        Convert.FromHexString(head.Data).CopyTo(to[24..]);
        BinaryPrimitives.WriteUInt64LittleEndian(to[Checksum..], HeadChecksum(to, id));
        return FixedBytes + id;
    }

    /// <summary>Reads a head, trusting nothing.</summary>
    /// <param name="from">At least the head's bytes, or as many as there are.</param>
    /// <param name="left">Bytes that are left in the segment from the record on.</param>
    /// <returns>The head, or null where there is none whole.</returns>
    public static RecordHead? ReadHead(ReadOnlySpan<byte> from, long left)
    {
        if (from.Length < FixedBytes || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic)
        {
            return null;
        }

        var bytes = BinaryPrimitives.ReadInt32LittleEndian(from[4..]);
        var id = BinaryPrimitives.ReadUInt16LittleEndian(from[20..]);
        if (id > MaxHeadBytes - FixedBytes || from.Length < FixedBytes + id || bytes < FixedBytes + id + SealBytes || bytes > left
            || BinaryPrimitives.ReadUInt64LittleEndian(from[Checksum..]) != HeadChecksum(from, id))
        {
            return null;
        }

        var sample = new StoredSample(new DeviceId(Encoding.UTF8.GetString(from.Slice(FixedBytes, id))), BinaryPrimitives.ReadInt32LittleEndian(from[8..]));
        return new RecordHead(
            sample, Convert.ToHexStringLower(from.Slice(24, FingerprintBytes)), BinaryPrimitives.ReadInt32LittleEndian(from[12..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[16..]), bytes);
    }

    /// <summary>The parts of a whole record: head, body, seal.</summary>
    public static RecordParts Split(Span<byte> record)
    {
        var head = FixedBytes + BinaryPrimitives.ReadUInt16LittleEndian(record[20..]);
        return new RecordParts(record[..head], record[head..^SealBytes], record[^SealBytes..]);
    }

    /// <summary>The targets at the front of a body.</summary>
    public static ReadOnlySpan<int> Targets(ReadOnlySpan<byte> body, int count) => MemoryMarshal.Cast<byte, int>(body[..(sizeof(int) * count)]);

    private static ulong HeadChecksum(ReadOnlySpan<byte> head, int id)
    {
        var hash = new XxHash3();
        hash.Append(head[..Checksum]);
        hash.Append(head.Slice(FixedBytes, id));
        return hash.GetCurrentHashAsUInt64();
    }
}

/// <summary>The parts of a record.</summary>
internal readonly ref struct RecordParts(Span<byte> head, Span<byte> body, Span<byte> seal)
{
    public Span<byte> Head { get; } = head;

    public Span<byte> Body { get; } = body;

    public Span<byte> Seal { get; } = seal;
}
