using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

using SplitFrozen.Domain;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// The server's end of the activation channels: accepts connections of admitted devices and reads their frames with blocking reads, a thread a
/// connection, so that nothing of it runs on the thread pool that Akka's control plane lives on.
/// </summary>
internal sealed class ChannelListener : IDisposable
{
    /// <summary>A peer that connects and says nothing is dropped after this time.</summary>
    private static readonly TimeSpan GreetingLimit = TimeSpan.FromSeconds(10);

    private readonly Socket _listener;
    private readonly ChannelRules _rules;
    private readonly Action<ActivationUnit> _arrived;
    private readonly Action<DeviceId?, FrameException> _refused;
    private readonly ConcurrentDictionary<string, (DeviceId Device, Incarnation Incarnation)> _tokens = new();
    private readonly ConcurrentDictionary<DeviceId, Socket> _connections = new();
    private readonly ConcurrentDictionary<Socket, Thread> _threads = new();
    private readonly Thread _acceptor;
    private volatile bool _closed;

    /// <summary>Listens at once.</summary>
    /// <param name="host">Address or name to listen on.</param>
    /// <param name="port">Port, or 0 for a free one.</param>
    /// <param name="rules">What frames must keep to.</param>
    /// <param name="arrived">Takes a unit and its buffer; called on the connection's thread.</param>
    /// <param name="refused">Told of refusals; the device is unknown before it was admitted.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public ChannelListener(string host, int port, ChannelRules rules, Action<ActivationUnit> arrived, Action<DeviceId?, FrameException> refused)
    {
        (_rules, _arrived, _refused) = (rules, arrived, refused);
        _listener = Listen(host, port);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "activation-accept" };
        _acceptor.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port { get; }

    /// <summary>Draws the one-time token with which this life of the device may connect.</summary>
    public string Admit(DeviceId device, Incarnation incarnation)
    {
        var token = Convert.ToHexString(RandomNumberGenerator.GetBytes(ChannelGreeting.TokenLength / 2));
        _tokens[token] = (device, incarnation);
        return token;
    }

    /// <summary>Closes the device's connection, if it has one.</summary>
    public void Close(DeviceId device)
    {
        if (_connections.TryRemove(device, out var socket))
        {
            socket.Dispose();
        }
    }

    /// <summary>Stops listening, closes all connections and waits for their threads.</summary>
    public void Dispose()
    {
        _closed = true;
        _listener.Dispose();
        _acceptor.Join();
        foreach (var (socket, thread) in _threads)
        {
            socket.Dispose();
            thread.Join();
        }
    }

    private static Socket Listen(string host, int port)
    {
        try
        {
            var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(128);
            return socket;
        }
        catch (SocketException e)
        {
            throw new UserErrorException(
                $"The activation channel cannot listen on {host}:{port} ({e.Message}). Set splitfrozen.channel.host and splitfrozen.channel.port to a free address of this machine; port 0 takes any free one.", e);
        }
    }

    private void Accept()
    {
        while (!_closed)
        {
            try
            {
                var socket = _listener.Accept();
                var thread = new Thread(() => Serve(socket)) { IsBackground = true, Name = "activation-receive" };
                _threads[socket] = thread;
                thread.Start();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (_closed)
                {
                    return;
                }
            }
        }
    }

    private void Serve(Socket socket)
    {
        DeviceId? device = null;
        try
        {
            socket.NoDelay = true;
            using var stream = new NetworkStream(socket, ownsSocket: false);
            var (admitted, incarnation) = Greet(socket, stream);
            device = admitted;
            if (_connections.TryGetValue(admitted, out var earlier))
            {
                earlier.Dispose();
            }

            _connections[admitted] = socket;
            var reader = new FrameReader(_rules, admitted, incarnation);
            while (reader.Read(stream) is { } unit)
            {
                _arrived(unit);
            }
        }
        catch (FrameException e)
        {
            _refused(device, e);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            if (!_closed)
            {
                _refused(device, new FrameException(FrameFault.Truncated, $"the connection broke: {e.Message}"));
            }
        }
        finally
        {
            Forget(socket, device);
        }
    }

    private (DeviceId Device, Incarnation Incarnation) Greet(Socket socket, NetworkStream stream)
    {
        socket.ReceiveTimeout = (int)GreetingLimit.TotalMilliseconds;
        var greeting = ChannelGreeting.Read(stream);
        socket.ReceiveTimeout = 0;
        if (!_tokens.TryRemove(greeting.Token, out var admitted) || admitted.Incarnation != greeting.Incarnation)
        {
            throw new FrameException(FrameFault.NotAdmitted, "the token of a channel is unknown or was used before");
        }

        stream.WriteByte(ChannelGreeting.Admitted);
        return admitted;
    }

    private void Forget(Socket socket, DeviceId? device)
    {
        socket.Dispose();
        _threads.TryRemove(socket, out _);
        if (device is { } id)
        {
            _connections.TryRemove(KeyValuePair.Create(id, socket));
        }
    }
}
