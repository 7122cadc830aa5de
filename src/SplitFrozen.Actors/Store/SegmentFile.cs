using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;

using Microsoft.Win32.SafeHandles;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Store;

namespace SplitFrozen.Actors.Store;

/// <summary>
/// A segment as a file: header, then records. Header, little-endian: 0 magic u32, 4 version u16, 6 whether encrypted u16, 8 the store's fingerprint [32],
/// 40 salt [32], 72 mark of the key [16], 88 checksum u64 (XXH3) of the header before it.
/// </summary>
internal sealed class SegmentFile : IDisposable
{
    public const int HeaderBytes = 96;
    private const uint Magic = 0x53414653; // "SFAS"
    private const ushort Version = 1;
    private readonly SafeFileHandle _file;
    private readonly IRecordSeal _seal;
    private bool _isWritten;

    private SegmentFile(SafeFileHandle file, IRecordSeal seal) => (_file, _seal) = (file, seal);

    /// <summary>Makes a new segment.</summary>
    public static SegmentFile Create(string path, byte[] fingerprint, byte[]? key)
    {
        var header = new byte[HeaderBytes];
        var salt = RandomNumberGenerator.GetBytes(32);
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(6), key is null ? (ushort)0 : (ushort)1);
        fingerprint.CopyTo(header, 8);
        salt.CopyTo(header, 40);
        (key is null ? new byte[16] : StoreKey.Mark(key, salt)).CopyTo(header, 72);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(88), XxHash3.HashToUInt64(header.AsSpan(0, 88)));
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
        RandomAccess.Write(file, header, 0);
        return new SegmentFile(file, SealOf(key, salt));
    }

    /// <summary>Opens a segment that an earlier run wrote.</summary>
    /// <returns>The segment, or null with the reason why it is of no use.</returns>
    /// <exception cref="UserErrorException">It is encrypted, and the key is missing or another.</exception>
    public static (SegmentFile? Segment, string? Reason) Open(string path, byte[] fingerprint, byte[]? key)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var header = new byte[HeaderBytes];
            var reason = RandomAccess.Read(file, header, 0) == HeaderBytes ? Refusal(header, fingerprint, key, path) : "its header is cut off";
            if (reason is null)
            {
                var segment = new SegmentFile(file, SealOf(key, header.AsSpan(40, 32)));
                file = null;
                return (segment, null);
            }

            return (null, reason);
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>The heads of all records up to the first that is damaged, with their places.</summary>
    public IEnumerable<(RecordHead Head, StorePlace Place)> Scan(int segment)
    {
        var length = RandomAccess.GetLength(_file) - HeaderBytes;
        var buffer = new byte[StoredRecord.MaxHeadBytes];
        var offset = 0L;
        while (offset < length)
        {
            var read = RandomAccess.Read(_file, buffer, HeaderBytes + offset);
            if (StoredRecord.ReadHead(buffer.AsSpan(0, read), length - offset) is not { } head)
            {
                yield break;
            }

            yield return (head, new StorePlace(segment, offset, head.Bytes));
            offset += head.Bytes;
        }
    }

    /// <summary>Seals and writes a record.</summary>
    public void Write(long offset, Span<byte> record)
    {
        _seal.Close(record, offset);
        _isWritten = true;
        RandomAccess.Write(_file, record, HeaderBytes + offset);
    }

    /// <summary>Reads and opens a record.</summary>
    public bool Read(long offset, Span<byte> record)
    {
        for (var at = 0; at < record.Length;)
        {
            var read = RandomAccess.Read(_file, record[at..], HeaderBytes + offset + at);
            if (read == 0)
            {
                return false;
            }

            at += read;
        }

        return StoredRecord.ReadHead(record, record.Length) is { } head && head.Bytes == record.Length && _seal.Open(record, offset);
    }

    /// <summary>Closes the file, what was written to it on the disk.</summary>
    public void Dispose()
    {
        if (_isWritten)
        {
            RandomAccess.FlushToDisk(_file);
        }

        _file.Dispose();
        _seal.Dispose();
    }

    private static IRecordSeal SealOf(byte[]? key, ReadOnlySpan<byte> salt) => key is null ? new ChecksumSeal() : new CipherSeal(key, salt);

    private static string? Refusal(ReadOnlySpan<byte> header, byte[] fingerprint, byte[]? key, string path)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic || BinaryPrimitives.ReadUInt64LittleEndian(header[88..]) != XxHash3.HashToUInt64(header[..88]))
        {
            return "its header is damaged";
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) != Version)
        {
            return "it was written by another version of the program";
        }

        var isEncrypted = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) != 0;
        if (isEncrypted && (key is null || !header.Slice(72, 16).SequenceEqual(StoreKey.Mark(key, header.Slice(40, 32)))))
        {
            throw new UserErrorException(
                $"{path} is encrypted with {(key is null ? "a key" : "another key")}. Set splitfrozen.store.key-file to that key, or remove the folder's segments, or name another folder (splitfrozen.store.path).");
        }

        return !isEncrypted && key is not null ? "it is not encrypted, and splitfrozen.store.key-file asks for that"
            : header.Slice(8, 32).SequenceEqual(fingerprint) ? null : "it belongs to another run's configuration";
    }
}
