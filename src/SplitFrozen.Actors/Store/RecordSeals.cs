using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;

namespace SplitFrozen.Actors.Store;

/// <summary>Guards a record against damage, or against damage and readers.</summary>
internal interface IRecordSeal : IDisposable
{
    /// <summary>Closes a record in place.</summary>
    /// <param name="record">The whole record, its seal not yet set.</param>
    /// <param name="offset">Where it lies in its segment.</param>
    void Close(Span<byte> record, long offset);

    /// <summary>Opens a record in place.</summary>
    /// <returns>Whether it is what was closed at this place.</returns>
    bool Open(Span<byte> record, long offset);
}

/// <summary>A checksum (XXH128) over head and body.</summary>
internal sealed class ChecksumSeal : IRecordSeal
{
    public void Close(Span<byte> record, long offset)
    {
        var parts = StoredRecord.Split(record);
        XxHash128.Hash(record[..^StoredRecord.SealBytes], parts.Seal);
    }

    public bool Open(Span<byte> record, long offset)
    {
        Span<byte> sum = stackalloc byte[StoredRecord.SealBytes];
        XxHash128.Hash(record[..^StoredRecord.SealBytes], sum);
        return sum.SequenceEqual(record[^StoredRecord.SealBytes..]);
    }

    public void Dispose()
    {
    }
}

/// <summary>
/// AES-256-GCM: the body is encrypted, the head authenticated. Each segment has a key of its own (HKDF-SHA256 of the store's key with the segment's
/// salt), and the nonce is the record's offset, which occurs once in a segment.
/// </summary>
internal sealed class CipherSeal : IRecordSeal
{
    private readonly AesGcm _cipher;

    public CipherSeal(ReadOnlySpan<byte> storeKey, ReadOnlySpan<byte> salt)
    {
        Span<byte> key = stackalloc byte[StoreKey.Bytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, storeKey, key, salt, "splitfrozen store segment"u8);
        _cipher = new AesGcm(key, StoredRecord.SealBytes);
        CryptographicOperations.ZeroMemory(key);
    }

    public void Close(Span<byte> record, long offset)
    {
        var parts = StoredRecord.Split(record);
        Span<byte> nonce = stackalloc byte[12];
        Nonce(nonce, offset);
        _cipher.Encrypt(nonce, parts.Body, parts.Body, parts.Seal, parts.Head);
    }

    public bool Open(Span<byte> record, long offset)
    {
        var parts = StoredRecord.Split(record);
        Span<byte> nonce = stackalloc byte[12];
        Nonce(nonce, offset);
        try
        {
            _cipher.Decrypt(nonce, parts.Body, parts.Seal, parts.Body, parts.Head);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _cipher.Dispose();

    private static void Nonce(Span<byte> nonce, long offset)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(nonce, offset);
    }
}
