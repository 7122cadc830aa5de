using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Opens the link of a device that trains; blocks, on a thread of the caller's.</summary>
internal static class DeviceDial
{
    /// <summary>How long connecting is tried.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Connects and is admitted; tries again while the server cannot be reached.</summary>
    /// <param name="server">Where to connect.</param>
    /// <param name="incarnation">The device's life.</param>
    /// <param name="route">How the server is reached.</param>
    /// <param name="stop">Ends the attempts.</param>
    /// <exception cref="IOException">The server was not reached in time, or does not admit this life.</exception>
    public static StageConnection Open(ChannelEndpoint server, Incarnation incarnation, ChannelRoute route, CancellationToken stop)
    {
        for (var began = Stopwatch.GetTimestamp(); ; stop.WaitHandle.WaitOne(Pause))
        {
            try
            {
                return Try(server, incarnation, route, stop) ?? throw new NotAdmittedException();
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException)
            {
                if (e is NotAdmittedException || stop.IsCancellationRequested || Stopwatch.GetElapsedTime(began) > Patience)
                {
                    throw new IOException(e.Message, e);
                }
            }
        }
    }

    /// <returns>The connection, or null when the server closed it.</returns>
    private static StageConnection? Try(ChannelEndpoint server, Incarnation incarnation, ChannelRoute route, CancellationToken stop)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var stopped = stop.Register(socket.Dispose);
        try
        {
            var stream = route.Open(socket, server, incarnation);
            if (ChannelGreeting.ReadAnswer(stream) is not null)
            {
                return new StageConnection(socket, stream, Shape: null);
            }

            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class NotAdmittedException() : IOException("the server did not admit this channel");
}
