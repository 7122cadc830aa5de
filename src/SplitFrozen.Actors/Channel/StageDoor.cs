using System.Net.Sockets;
using System.Security.Authentication;

using SplitFrozen.Actors.Security;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Channel;

/// <summary>An open connection to another server node, or between server and device, past its greeting.</summary>
/// <param name="Carried">The connection itself.</param>
/// <param name="Stream">What to read and write.</param>
/// <param name="Shape">The emulated link inside it, where it is told when bytes came; or null.</param>
internal sealed record StageConnection(CarrierConnection Carried, Stream Stream, ShapedStream? Shape) : IDisposable
{
    /// <summary>Closes it at once, whoever reads or writes.</summary>
    public void Dispose() => Carried.Dispose();
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
    private readonly CarrierListener _listener;
    private readonly DoorOptions _options;
    private readonly Action<ChannelRefusal> _refused;
    private readonly RefusalCounts _refusals = new();
    private readonly Thread _acceptor;
    private int _ungreeted;
    private volatile bool _closed;

    /// <summary>Listens at once.</summary>
    /// <param name="options">Where, and whom it trusts.</param>
    /// <param name="refused">Told of each connection that was refused.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public StageDoor(DoorOptions options, Action<ChannelRefusal> refused)
    {
        (_options, _refused) = (options, refused);
        _listener = options.Carrier.Listen(options.Host, options.Port);
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "stage-accept" };
        _acceptor.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port => _listener.Port;

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
        for (var began = _options.Time.GetTimestamp(); ; _options.Time.Pause(Pause))
        {
            try
            {
                return Open(link, layout);
            }
            catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
            {
                if (_closed || _options.Time.GetElapsedTime(began) > Patience)
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
        var carried = _options.Carrier.Dial(link.Host, link.Port);
        try
        {
            var shape = new ShapedStream(_options.Link(carried.Open(), true), LinkClock.Unlimited());
            Stream stream = _options.Identity is { } identity ? identity.AsClient(shape, link.Host) : shape;
            new ChannelGreeting(new Incarnation(layout), link.Token).Write(stream);
            if (ChannelGreeting.ReadAnswer(stream) is null)
            {
                throw new IOException("the other server node does not await this link");
            }

            shape.Link = LinkClock.Of(link);
            return new StageConnection(carried, stream, shape);
        }
        catch
        {
            carried.Dispose();
            throw;
        }
    }

    private void Accept()
    {
        while (!_closed)
        {
            try
            {
                var accepted = _listener.Accept();
                if (Interlocked.Increment(ref _ungreeted) > MostUngreeted)
                {
                    Interlocked.Decrement(ref _ungreeted);
                    accepted.Dispose();
                    Refuse(FrameFault.Silent, $"more than {MostUngreeted} peers are connected without having said who they are");
                    continue;
                }

                new Thread(() => Greet(accepted)) { IsBackground = true, Name = "stage-greet" }.Start();
            }
            catch (Exception e)
            {
                if (_closed)
                {
                    return;
                }

                if (e is not (SocketException or ObjectDisposedException))
                {
                    Refuse(FrameFault.Unexpected, $"a connection could not be taken: {e.Message}");
                }
            }
        }
    }

    private void Greet(CarrierConnection accepted)
    {
        // Reads that trickle would each keep to a time limit of their own: this one is for all of them.
        using var limit = _options.Time.CreateTimer(_ => accepted.Dispose(), null, GreetingLimit, Timeout.InfiniteTimeSpan);
        try
        {
            var shape = new ShapedStream(_options.Link(accepted.Open(), false), LinkClock.Unlimited());
            Stream stream = _options.Identity is { } identity ? identity.AsServer(shape, NodeCertificate.Server) : shape;
            var awaited = Find(ChannelGreeting.Read(stream));
            ChannelGreeting.WriteAnswer(stream, 0);
            shape.Link = LinkClock.Of(awaited.Link);
            limit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            awaited.Opened(new StageConnection(accepted, stream, shape));
        }
        catch (Exception e)
        {
            // An exception that leaves a thread ends the process: one connection's trouble must not.
            accepted.Dispose();
            Refuse(
                e is FrameException { Fault: var fault } ? fault : e is AuthenticationException ? FrameFault.NotTrusted
                : e is IOException or SocketException or ObjectDisposedException ? FrameFault.Truncated : FrameFault.Unexpected, e.Message);
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
        using var limit = new Alarm(_options.Time, UnawaitedLimit, _gate);
        lock (_gate)
        {
            while (true)
            {
                if (_awaited.TryGetValue(greeting.Token, out var awaited) && awaited.Layout == greeting.Incarnation.Value)
                {
                    _awaited.Remove(greeting.Token);
                    return awaited;
                }

                FrameException.Require(
                    !_closed && !limit.HasRung, FrameFault.NotAdmitted, "a connection named a link between server nodes that is not awaited here");
                Monitor.Wait(_gate);
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
