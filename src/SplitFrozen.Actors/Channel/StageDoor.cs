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
    /// <summary>How long a connection may name a link that is not awaited: the other end may have heard of it first.</summary>
    private static readonly TimeSpan UnawaitedLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>How long dialling is tried: the other end may hear of the link later.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();
    private readonly Dictionary<string, Awaited> _awaited = [];
    private readonly Socket _listener;
    private readonly TlsIdentity? _identity;
    private readonly Action<ChannelRefusal> _refused;
    private readonly RefusalCounts _refusals = new();
    private readonly Thread _acceptor;
    private int _ungreeted;
    private volatile bool _closed;

    /// <summary>Listens at once.</summary>
    /// <param name="host">Address or name to listen on.</param>
    /// <param name="port">Port, or 0 for a free one.</param>
    /// <param name="identity">Certificates, or null for plain connections.</param>
    /// <param name="refused">Told of each connection that was refused.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public StageDoor(string host, int port, TlsIdentity? identity, Action<ChannelRefusal> refused)
    {
        (_identity, _refused) = (identity, refused);
        _listener = ChannelListener.Listen(host, port);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "stage-accept" };
        _acceptor.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port { get; }

    /// <summary>What was refused so far, by kind.</summary>
    public IReadOnlyDictionary<FrameFault, long> Refusals => _refusals.Snapshot();

    /// <summary>Lets the link's other end connect.</summary>
    public void Await(ServerLink link, int layout, Action<StageConnection> opened)
    {
        lock (_gate)
        {
            _awaited[link.Token] = new Awaited(link, layout, opened);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The links of earlier layouts are awaited no more.</summary>
    public void ForgetAll()
    {
        lock (_gate)
        {
            _awaited.Clear();
        }
    }

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
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }

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
                    Refuse(FrameFault.Silent, $"more than {MostUngreeted} peers are connected without having said who they are");
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
            var awaited = Find(ChannelGreeting.Read(stream));
            ChannelGreeting.WriteAnswer(stream, 0);
            shape.Link = LinkClock.Of(awaited.Link);
            limit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            awaited.Opened(new StageConnection(socket, stream, shape));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException or FrameException)
        {
            socket.Dispose();
            Refuse(e is FrameException { Fault: var fault } ? fault : e is AuthenticationException ? FrameFault.NotTrusted : FrameFault.Truncated, e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _ungreeted);
        }
    }

    /// <summary>Takes out the link that a greeting names; a node that dials may have heard of it first.</summary>
    /// <exception cref="FrameException">Nobody awaits it.</exception>
    private Awaited Find(ChannelGreeting greeting)
    {
        lock (_gate)
        {
            for (var began = Stopwatch.GetTimestamp(); ;)
            {
                if (_awaited.TryGetValue(greeting.Token, out var awaited) && awaited.Layout == greeting.Incarnation.Value)
                {
                    _awaited.Remove(greeting.Token);
                    return awaited;
                }

                var left = UnawaitedLimit - Stopwatch.GetElapsedTime(began);
                FrameException.Require(
                    !_closed && left > TimeSpan.Zero, FrameFault.NotAdmitted, "a connection named a link between server nodes that is not awaited here");
                Monitor.Wait(_gate, left);
            }
        }
    }

    private void Refuse(FrameFault fault, string message)
    {
        var count = _refusals.Add(fault);
        if (!_closed)
        {
            _refused(new ChannelRefusal(null, fault, message, count, IsPeersFault: false));
        }
    }

    private sealed record Awaited(ServerLink Link, int Layout, Action<StageConnection> Opened);
}
