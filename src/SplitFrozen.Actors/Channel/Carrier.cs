using System.Net;
using System.Net.Sockets;

using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Channel;

/// <summary>How connections for rows and activations are made: over TCP, or in memory where a test has it so. All calls block.</summary>
internal abstract class Carrier
{
    /// <summary>TCP.</summary>
    public static Carrier Tcp { get; } = new TcpCarrier();

    /// <summary>Listens at once.</summary>
    /// <param name="host">Address or name to listen on.</param>
    /// <param name="port">Port, or 0 for a free one.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public abstract CarrierListener Listen(string host, int port);

    /// <summary>A connection that is made when it is opened; until then, and while it is made, it can be closed.</summary>
    public abstract CarrierConnection Dial(string host, int port);

    private sealed class TcpCarrier : Carrier
    {
        public override CarrierListener Listen(string host, int port)
        {
            try
            {
                var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
                var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(address, port));
                socket.Listen(512);
                return new TcpListener(socket);
            }
            catch (SocketException e)
            {
                throw new UserErrorException(
                    $"The activation channel cannot listen on {host}:{port} ({e.Message}). Set splitfrozen.channel.host and splitfrozen.channel.port to a free address of this machine; port 0 takes any free one.", e);
            }
        }

        public override CarrierConnection Dial(string host, int port)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            return new TcpConnection(socket, () => socket.Connect(host, port));
        }
    }

    private sealed class TcpListener(Socket socket) : CarrierListener
    {
        public override int Port { get; } = ((IPEndPoint)socket.LocalEndPoint!).Port;

        public override CarrierConnection Accept() => new TcpConnection(socket.Accept(), () => { });

        public override void Dispose() => socket.Dispose();
    }

    private sealed class TcpConnection(Socket socket, Action connect) : CarrierConnection
    {
        public override Stream Open()
        {
            socket.NoDelay = true;
            connect();
            return new NetworkStream(socket, ownsSocket: true);
        }

        public override void Dispose() => socket.Dispose();
    }
}

/// <summary>Waits for connections.</summary>
internal abstract class CarrierListener : IDisposable
{
    /// <summary>The port listened on.</summary>
    public abstract int Port { get; }

    /// <summary>Waits for the next one.</summary>
    /// <exception cref="SocketException">It failed, or the listener was closed.</exception>
    /// <exception cref="ObjectDisposedException">The listener was closed.</exception>
    public abstract CarrierConnection Accept();

    /// <summary>Stops listening; who waits gets an exception.</summary>
    public abstract void Dispose();
}

/// <summary>A connection; disposing closes it at once, whoever reads or writes.</summary>
internal abstract class CarrierConnection : IDisposable
{
    /// <summary>Makes the connection, if this end dials, and gives the bytes both ways. To be called once.</summary>
    /// <exception cref="SocketException">It cannot be made.</exception>
    public abstract Stream Open();

    /// <inheritdoc/>
    public abstract void Dispose();
}
