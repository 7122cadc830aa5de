using System.Net.Sockets;

using SplitFrozen.Actors.Security;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>How a device reaches the server's channel.</summary>
/// <param name="Identity">Certificates, or null for plain connections.</param>
/// <param name="Link">Wraps each connection's bytes, to shape or to disturb them; TLS runs inside it.</param>
public sealed record ChannelRoute(TlsIdentity? Identity, Func<Stream, Stream> Link)
{
    /// <summary>Plain connections, as fast as they are.</summary>
    public static ChannelRoute Plain { get; } = new(null, stream => stream);

    /// <summary>Connects, secures the connection, and says which life of a device it is for.</summary>
    /// <returns>The connection, before the server's answer.</returns>
    internal Stream Open(Socket socket, ChannelEndpoint server, Incarnation incarnation)
    {
        socket.Connect(server.Host, server.Port);
        var stream = Link(new NetworkStream(socket, ownsSocket: true));
        if (Identity is { } identity)
        {
            stream = identity.AsClient(stream, server.Host);
        }

        new ChannelGreeting(incarnation, server.Token).Write(stream);
        return stream;
    }
}

/// <summary>What a <see cref="ChannelClient"/> tells its owner.</summary>
internal abstract record ChannelNews(Incarnation Incarnation) : ILocalMessage
{
    /// <summary>A unit was written whole; a unit that is sent again is told again.</summary>
    internal sealed record Sent(Incarnation Incarnation, long Bytes) : ChannelNews(Incarnation);

    /// <summary>The server has received so many units of this life whole.</summary>
    /// <param name="Incarnation">The life.</param>
    /// <param name="Units">How many.</param>
    /// <param name="Bytes">Bytes of those it newly has, or 0 where they were not measured.</param>
    /// <param name="Seconds">How long these took.</param>
    internal sealed record Received(Incarnation Incarnation, long Units, long Bytes, double Seconds) : ChannelNews(Incarnation);

    /// <summary>The channel broke and was opened again.</summary>
    internal sealed record Resumed(Incarnation Incarnation, string Reason) : ChannelNews(Incarnation);

    /// <summary>The channel cannot be used any more: the server does not take this life, or could not be reached for long.</summary>
    internal sealed record Broken(Incarnation Incarnation, string Reason) : ChannelNews(Incarnation);
}
