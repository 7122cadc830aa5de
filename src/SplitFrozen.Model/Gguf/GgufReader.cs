using System.Buffers.Binary;
using System.Text;
using SplitFrozen.Domain;

namespace SplitFrozen.Model.Gguf;

/// <summary>
/// Reads the little-endian fields of a GGUF header. Every count and length is held against the bytes that are left before anything is
/// allocated by it, so that memory stays within a small multiple of the file's header.
/// </summary>
internal sealed class GgufReader(Stream stream, string path)
{
    /// <summary>More than any published header takes (vocabularies of 260,000 tokens: some 10 MB); what claims more lies.</summary>
    private const long MaximumHeader = 128L << 20;

    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly long _limit = Math.Min(stream.Length, MaximumHeader);

    /// <summary>Bytes read so far.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes that the header can still have.</summary>
    public long Left => _limit - Position;

    /// <summary>An unsigned number of four bytes.</summary>
    public uint UInt32(string what)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        Fill(bytes, what);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    /// <summary>An unsigned number of eight bytes.</summary>
    public ulong UInt64(string what)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Fill(bytes, what);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>A number of items of which each takes at least so many bytes.</summary>
    public int Count(string what, int leastBytes)
    {
        ulong count = UInt64(what);
        return count <= (ulong)(Left / leastBytes)
            ? (int)count
            : throw Damaged($"{what} is {count}, and only {Left} bytes are left");
    }

    /// <summary>A text: its length in eight bytes, then UTF-8.</summary>
    public string Text(string what)
    {
        int length = Count($"the length of {what}", 1);
        byte[] bytes = new byte[length];
        Fill(bytes, what);
        try
        {
            return _utf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new UserErrorException(Damaged($"{what} is not UTF-8").Message, e);
        }
    }

    /// <summary>Fills a span.</summary>
    public void Fill(Span<byte> bytes, string what)
    {
        if (bytes.Length > Left)
        {
            throw Damaged($"it ends inside {what}");
        }

        try
        {
            stream.ReadExactly(bytes);
        }
        catch (EndOfStreamException e)
        {
            throw new UserErrorException(Damaged($"it ends inside {what}").Message, e);
        }

        Position += bytes.Length;
    }

    /// <summary>The error of a file that contradicts itself.</summary>
    public UserErrorException Damaged(string what) =>
        new($"'{path}' is not a whole GGUF file: {what}. It may have been cut off or changed while copying; fetch it again.");
}
