using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Channel;

/// <summary>An open connection to another server node, or between server and device, past its greeting.</summary>
/// <param name="Socket">The socket.</param>
/// <param name="Stream">What to read and write.</param>
/// <param name="Shape">The emulated link inside it, where it is told when bytes came; or null.</param>
internal sealed record StageConnection(Socket Socket, Stream Stream, ShapedStream? Shape) : IDisposable
{
    /// <summary>Closes it at once, whoever reads or writes.</summary>
    public void Dispose() => Socket.Dispose();
}

/// <summary>
/// Where a server node connects to others: accepts connections whose token the coordinator gave out, and opens them. The greeting is that of the
/// activation channel, with the number of the layout in the place of the incarnation. Blocking calls on threads of their own.
/// </summary>
internal sealed class StageDoor : IDisposable
{
    private const int MostUngreeted = 64;

    private static readonly TimeSpan GreetingLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>How long dialling is tried: the other end may hear of the link later.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Awaited> _awaited = new();
    private readonly Socket _listener;
    private readonly TlsIdentity? _identity;
    private readonly Action<string> _refused;
    private readonly Thread _acceptor;
    private int _ungreeted;
    private volatile bool _closed;

    /// <summary>Listens at once.</summary>
    /// <param name="host">Address or name to listen on.</param>
    /// <param name="port">Port, or 0 for a free one.</param>
    /// <param name="identity">Certificates, or null for plain connections.</param>
    /// <param name="refused">Told of connections that were refused.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public StageDoor(string host, int port, TlsIdentity? identity, Action<string> refused)
    {
        (_identity, _refused) = (identity, refused);
        _listener = ChannelListener.Listen(host, port);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "stage-accept" };
        _acceptor.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port { get; }

    /// <summary>Lets the link's other end connect.</summary>
    public void Await(ServerLink link, int layout, Action<StageConnection> opened) => _awaited[link.Token] = new Awaited(link, layout, opened);

    /// <summary>The links of earlier layouts are awaited no more.</summary>
    public void ForgetAll() => _awaited.Clear();

    /// <summary>Opens a link to a node that awaits it; tries again until it does.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public StageConnection Dial(ServerLink link, int layout)
    {
        for (var began = Stopwatch.GetTimestamp(); ; Thread.Sleep(Pause))
        {
            try
            {
                return Open(link, layout);
            }
            catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
            {
                if (_closed || Stopwatch.GetElapsedTime(began) > Patience)
                {
                    throw new IOException($"{link.Host}:{link.Port} cannot be reached: {e.Message}", e);
                }
            }
        }
    }

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _closed = true;
        _listener.Dispose();
        _acceptor.Join();
    }

    private StageConnection Open(ServerLink link, int layout)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(link.Host, link.Port);
            var shape = new ShapedStream(new NetworkStream(socket, ownsSocket: true), LinkClock.Unlimited());
            Stream stream = _identity is null ? shape : _identity.AsClient(shape, link.Host);
            new ChannelGreeting(new Incarnation(layout), link.Token).Write(stream);
            if (ChannelGreeting.ReadAnswer(stream) is null)
            {
                throw new IOException("the other server node does not await this link");
            }

            shape.Link = LinkClock.Of(link);
            return new StageConnection(socket, stream, shape);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Accept()
    {
        while (!_closed)
        {
            try
            {
                var socket = _listener.Accept();
                if (Interlocked.Increment(ref _ungreeted) > MostUngreeted)
                {
                    Interlocked.Decrement(ref _ungreeted);
                    socket.Dispose();
                    continue;
                }

                new Thread(() => Greet(socket)) { IsBackground = true, Name = "stage-greet" }.Start();
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

    private void Greet(Socket socket)
    {
        // Reads that trickle would each keep to a time limit of their own: this one is for all of them.
        using var limit = new Timer(_ => socket.Dispose(), null, GreetingLimit, Timeout.InfiniteTimeSpan);
        try
        {
            socket.NoDelay = true;
            var shape = new ShapedStream(new NetworkStream(socket, ownsSocket: true), LinkClock.Unlimited());
            Stream stream = _identity is null ? shape : _identity.AsServer(shape, NodeCertificate.Server);
            var greeting = ChannelGreeting.Read(stream);
            if (!_awaited.TryGetValue(greeting.Token, out var awaited) || awaited.Layout != greeting.Incarnation.Value)
            {
                // A node that dials may have heard of the link first; it tries again.
                socket.Dispose();
                return;
            }

            _awaited.TryRemove(KeyValuePair.Create(greeting.Token, awaited));
            ChannelGreeting.WriteAnswer(stream, 0);
            shape.Link = LinkClock.Of(awaited.Link);
            limit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            awaited.Opened(new StageConnection(socket, stream, shape));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException or FrameException)
        {
            socket.Dispose();
            _refused(e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _ungreeted);
        }
    }

    private sealed record Awaited(ServerLink Link, int Layout, Action<StageConnection> Opened);
}
