using System.Buffers.Binary;
using System.Text;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// What a device says when it opens its activation channel, little-endian: magic u32, version u16, zero u16, incarnation i64, token (32 ASCII bytes).
/// The server answers how many frames of this life it has received whole, i64, and repeats that number after each further frame; or it closes. A
/// device that connects again goes on with the first frame that is not counted there.
/// </summary>
internal readonly record struct ChannelGreeting(Incarnation Incarnation, string Token)
{
    public const int Bytes = 48;
    public const int TokenLength = 32;

    /// <summary>Bytes of the server's answers.</summary>
    public const int AnswerBytes = sizeof(long);

    private const uint Magic = 0x47414653; // "SFAG"

    /// <summary>Writes the greeting.</summary>
    public void Write(Stream stream)
    {
        Span<byte> to = stackalloc byte[Bytes];
        to.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], ProtocolVersion.Current);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], Incarnation.Value);
        Encoding.ASCII.GetBytes(Token, to[16..]);
        stream.Write(to);
    }

    /// <summary>Reads a greeting.</summary>
    /// <exception cref="FrameException">It is none, or of another version.</exception>
    public static ChannelGreeting Read(Stream stream)
    {
        Span<byte> from = stackalloc byte[Bytes];
        var length = stream.ReadAtLeast(from, Bytes, throwOnEndOfStream: false);
        FrameException.Require(
            length == Bytes && BinaryPrimitives.ReadUInt32LittleEndian(from) == Magic,
            FrameFault.NotAFrame, "a connection did not begin with a greeting");
        var version = BinaryPrimitives.ReadUInt16LittleEndian(from[4..]);
        FrameException.Require(
            version == ProtocolVersion.Current, FrameFault.OtherVersion, $"channel version {version}, this node speaks {ProtocolVersion.Current}");
        return new ChannelGreeting(new Incarnation(BinaryPrimitives.ReadInt64LittleEndian(from[8..])), Encoding.ASCII.GetString(from[16..]));
    }

    /// <summary>Writes the server's answer.</summary>
    public static void WriteAnswer(Stream stream, long received)
    {
        Span<byte> to = stackalloc byte[AnswerBytes];
        BinaryPrimitives.WriteInt64LittleEndian(to, received);
        stream.Write(to);
    }

    /// <summary>Reads an answer of the server.</summary>
    /// <returns>Frames of this life that it received, or null when it closed.</returns>
    public static long? ReadAnswer(Stream stream)
    {
        Span<byte> from = stackalloc byte[AnswerBytes];
        return stream.ReadAtLeast(from, AnswerBytes, throwOnEndOfStream: false) == AnswerBytes ? BinaryPrimitives.ReadInt64LittleEndian(from) : null;
    }
}
