using System.Buffers.Binary;
using System.Text;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// What a device says when it opens its activation channel, little-endian: magic u32, version u16, zero u16, incarnation i64, token (32 ASCII bytes).
/// The server answers one byte: 1 for admitted; otherwise it closes.
/// </summary>
internal readonly record struct ChannelGreeting(Incarnation Incarnation, string Token)
{
    public const int Bytes = 48;
    public const int TokenLength = 32;
    public const byte Admitted = 1;
    private const uint Magic = 0x47414653; // "SFAG"

    /// <summary>Writes the greeting.</summary>
    public void Write(Stream stream)
    {
        Span<byte> to = stackalloc byte[Bytes];
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
        if (stream.ReadAtLeast(from, Bytes, throwOnEndOfStream: false) != Bytes || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic)
        {
            throw new FrameException(FrameFault.NotAFrame, "a connection did not begin with a greeting");
        }

        var version = BinaryPrimitives.ReadUInt16LittleEndian(from[4..]);
        return version == ProtocolVersion.Current
            ? new ChannelGreeting(new Incarnation(BinaryPrimitives.ReadInt64LittleEndian(from[8..])), Encoding.ASCII.GetString(from[16..]))
            : throw new FrameException(FrameFault.OtherVersion, $"channel version {version}, this node speaks {ProtocolVersion.Current}");
    }
}
