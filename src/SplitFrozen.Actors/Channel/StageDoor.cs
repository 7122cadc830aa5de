using System.Collections.Concurrent;
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
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>How long dialling is tried: the other end may hear of the link later.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Awaited> _awaited = new();
    private readonly CarrierListener _listener;
    private readonly DoorOptions _options;
    private readonly Action<string> _refused;
    private readonly Thread _acceptor;
    private int _ungreeted;
    private volatile bool _closed;

    /// <summary>Listens at once.</summary>
    /// <param name="options">Where, and whom it trusts.</param>
    /// <param name="refused">Told of connections that were refused.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public StageDoor(DoorOptions options, Action<string> refused)
    {
        (_options, _refused) = (options, refused);
        _listener = options.Carrier.Listen(options.Host, options.Port);
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "stage-accept" };
        _acceptor.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port => _listener.Port;

    /// <summary>Lets the link's other end connect.</summary>
    public void Await(ServerLink link, int layout, Action<StageConnection> opened) => _awaited[link.Token] = new Awaited(link, layout, opened);

    /// <summary>The links of earlier layouts are awaited no more.</summary>
    public void ForgetAll() => _awaited.Clear();

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
        _closed = true;
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
                    _refused($"a connection could not be taken: {e.Message}");
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
            var greeting = ChannelGreeting.Read(stream);
            if (!_awaited.TryGetValue(greeting.Token, out var awaited) || awaited.Layout != greeting.Incarnation.Value)
            {
                // A node that dials may have heard of the link first; it tries again.
                accepted.Dispose();
                return;
            }

            _awaited.TryRemove(KeyValuePair.Create(greeting.Token, awaited));
            ChannelGreeting.WriteAnswer(stream, 0);
            shape.Link = LinkClock.Of(awaited.Link);
            limit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            awaited.Opened(new StageConnection(accepted, stream, shape));
        }
        catch (Exception e)
        {
            // An exception that leaves a thread ends the process: one connection's trouble must not.
            accepted.Dispose();
            _refused(e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _ungreeted);
        }
    }

    private sealed record Awaited(ServerLink Link, int Layout, Action<StageConnection> Opened);
}
