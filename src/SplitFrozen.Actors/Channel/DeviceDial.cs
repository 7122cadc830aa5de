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
    /// <param name="stop">Ends the attempts, and closes the connection that came of them whenever it is cancelled: whoever asked may be gone when it is open.</param>
    /// <exception cref="IOException">The server was not reached in time, or does not admit this life.</exception>
    public static StageConnection Open(ChannelEndpoint server, Incarnation incarnation, ChannelRoute route, CancellationToken stop)
    {
        for (var began = route.Time.GetTimestamp(); ; route.Time.Pause(Pause, stop))
        {
            try
            {
                return Try(server, incarnation, route, stop) ?? throw new NotAdmittedException();
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException)
            {
                if (e is NotAdmittedException || stop.IsCancellationRequested || route.Time.GetElapsedTime(began) > Patience)
                {
                    throw new IOException(e.Message, e);
                }
            }
        }
    }

    /// <returns>The connection, or null when the server closed it.</returns>
    private static StageConnection? Try(ChannelEndpoint server, Incarnation incarnation, ChannelRoute route, CancellationToken stop)
    {
        var connection = route.Carrier.Dial(server.Host, server.Port);
        var stopped = stop.Register(connection.Dispose);
        try
        {
            var stream = route.Open(connection, server, incarnation);
            if (ChannelGreeting.ReadAnswer(stream) is not null)
            {
                return new StageConnection(connection, stream, Shape: null);
            }

            Close(connection, stopped);
            return null;
        }
        catch
        {
            Close(connection, stopped);
            throw;
        }
    }

    private static void Close(CarrierConnection connection, CancellationTokenRegistration stopped)
    {
        stopped.Dispose();
        connection.Dispose();
    }

    private sealed class NotAdmittedException() : IOException("the server did not admit this channel");
}
