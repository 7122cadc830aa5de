using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Where a listener listens, and whom it trusts.</summary>
/// <param name="Host">Address or name to listen on.</param>
/// <param name="Port">Port, or 0 for a free one.</param>
/// <param name="Identity">Certificates, or null for plain connections.</param>
internal sealed record ListenerOptions(string Host, int Port, TlsIdentity? Identity);

/// <summary>The server's end of the activation channels: accepts connections of admitted devices, and knows the lives they belong to.</summary>
internal sealed class ChannelListener : IDisposable
{
    /// <summary>So many peers may have connected without having said who they are.</summary>
    private const int MostUngreeted = 256;

    private readonly Socket _listener;
    private readonly Action<ActivationUnit> _arrived;
    private readonly Action<ChannelRefusal> _refused;
    private readonly RefusalCounts _refusals = new();
    private readonly ConcurrentDictionary<string, ChannelLife> _tokens = new();
    private readonly ConcurrentDictionary<DeviceId, ChannelLife> _lives = new();
    private readonly ConcurrentDictionary<ServerConnection, byte> _connections = new();
    private readonly Thread _acceptor;
    private int _ungreeted;
    private volatile bool _closed;

    /// <summary>Listens at once.</summary>
    /// <param name="options">Where, and whom it trusts.</param>
    /// <param name="rules">What frames must keep to.</param>
    /// <param name="memory">Room for units.</param>
    /// <param name="arrived">Takes a unit and its buffer; called on the connection's thread.</param>
    /// <param name="refused">Told of refusals.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public ChannelListener(
        ListenerOptions options, ChannelRules rules, ServerMemory memory, Action<ActivationUnit> arrived, Action<ChannelRefusal> refused)
    {
        (Identity, Rules, Memory, _arrived, _refused) = (options.Identity, rules, memory, arrived, refused);
        _listener = Listen(options.Host, options.Port);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "activation-accept" };
        _acceptor.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port { get; }

    /// <summary>Room for units.</summary>
    public ServerMemory Memory { get; }

    /// <summary>What was refused so far, by kind.</summary>
    public IReadOnlyDictionary<FrameFault, long> Refusals => _refusals.Snapshot();

    /// <summary>
    /// Holds the conversation with a device that trains, on its connection's thread, and returns at its end; what it refuses it throws. Null: devices send forward units.
    /// </summary>
    public Action<StageConnection, ChannelLife>? Converse { get; init; }

    internal ChannelRules Rules { get; }

    internal TlsIdentity? Identity { get; }

    /// <summary>Lets a life of a device connect, with the token that this gives; an earlier life of it ends.</summary>
    public string Admit(DeviceId device, Incarnation incarnation)
    {
        if (_lives.TryGetValue(device, out var known))
        {
            if (known.Incarnation == incarnation)
            {
                return known.Token;
            }

            End(known);
        }

        var life = new ChannelLife(device, incarnation, Rules.Credits);
        _lives[device] = life;
        _tokens[life.Token] = life;
        return life.Token;
    }

    /// <summary>The device may send units of so many layers under this allocation; to be called before it is told.</summary>
    public void Allow(DeviceId device, AllocationEpoch allocation, int layers)
    {
        if (_lives.TryGetValue(device, out var life))
        {
            life.Allow(allocation, layers);
        }
    }

    /// <summary>So many units of this life were placed in all; to be called before the device is told.</summary>
    public void Return(DeviceId device, Incarnation incarnation, long placed)
    {
        if (_lives.TryGetValue(device, out var life) && life.Incarnation == incarnation)
        {
            life.Return(placed);
        }
    }

    /// <summary>Units of the device's present life that were received whole.</summary>
    public long Received(DeviceId device) => _lives.TryGetValue(device, out var life) ? life.Received : 0;

    /// <summary>Ends the device's present life: its connection is closed and its token void.</summary>
    public void Close(DeviceId device)
    {
        if (_lives.TryGetValue(device, out var life))
        {
            End(life);
        }
    }

    /// <summary>Counts a refusal and tells of it.</summary>
    public void Refuse(DeviceId? device, FrameException refusal)
    {
        var count = _refusals.Add(refusal.Fault);
        if (!_closed)
        {
            _refused(new ChannelRefusal(device, refusal.Fault, refusal.Message, count, !refusal.MayBeTransient));
        }
    }

    /// <summary>Stops listening, closes all connections and waits for their threads.</summary>
    public void Dispose()
    {
        _closed = true;
        _listener.Dispose();
        _acceptor.Join();
        foreach (var connection in _connections.Keys)
        {
            connection.CloseAndWait();
        }
    }

    internal ChannelLife? Find(ChannelGreeting greeting) =>
        _tokens.TryGetValue(greeting.Token, out var life) && life.Incarnation == greeting.Incarnation ? life : null;

    internal void End(ChannelLife life)
    {
        _tokens.TryRemove(life.Token, out _);
        _lives.TryRemove(KeyValuePair.Create(life.Device, life));
        life.End();
    }

    internal void Arrived(ActivationUnit unit) => _arrived(unit);

    internal void Greeted() => Interlocked.Decrement(ref _ungreeted);

    internal void Ended(ServerConnection connection, bool greeted)
    {
        _connections.TryRemove(connection, out _);
        if (!greeted)
        {
            Interlocked.Decrement(ref _ungreeted);
        }
    }

    /// <summary>A socket that listens.</summary>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    internal static Socket Listen(string host, int port)
    {
        try
        {
            var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(512);
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
                Take(_listener.Accept());
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

    private void Take(Socket socket)
    {
        if (Interlocked.Increment(ref _ungreeted) > MostUngreeted)
        {
            Interlocked.Decrement(ref _ungreeted);
            socket.Dispose();
            Refuse(null, new FrameException(FrameFault.Silent, $"more than {MostUngreeted} peers are connected without having said who they are"));
            return;
        }

        var connection = new ServerConnection(socket, this);
        _connections[connection] = 0;
        connection.Start();
    }
}
