using System.Collections.Concurrent;
using System.Net.Sockets;

using Akka.Actor;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// A device's end of its activation channel: one connection, written with blocking writes on a thread of its own. Tells its owner what
/// became of each unit. How many units may wait is bounded by the owner's credits.
/// </summary>
internal sealed class ChannelClient : IDisposable
{
    private readonly BlockingCollection<ActivationUnit> _queue = [];
    private readonly ChannelEndpoint _server;
    private readonly Incarnation _incarnation;
    private readonly IActorRef _owner;
    private readonly Thread _writer;
    private readonly TcpClient _client = new();
    private volatile bool _closed;

    /// <summary>Begins to connect; the outcome is told to <paramref name="owner"/>.</summary>
    public ChannelClient(ChannelEndpoint server, DeviceId device, Incarnation incarnation, IActorRef owner)
    {
        (_server, _incarnation, _owner) = (server, incarnation, owner);
        _writer = new Thread(Run) { IsBackground = true, Name = $"activation-send-{device}" };
        _writer.Start();
    }

    /// <summary>Takes over a unit: it is written in turn, and its buffer given back.</summary>
    public void Send(ActivationUnit unit) => _queue.Add(unit);

    /// <summary>Closes the connection; units not yet written are dropped.</summary>
    public void Dispose()
    {
        _closed = true;
        _queue.CompleteAdding();
        _client.Dispose();
        _writer.Join();
        while (_queue.TryTake(out var unit))
        {
            unit.Dispose();
        }

        _queue.Dispose();
    }

    private void Run()
    {
        try
        {
            _client.Connect(_server.Host, _server.Port);
            _client.NoDelay = true;
            var stream = _client.GetStream();
            new ChannelGreeting(_incarnation, _server.Token).Write(stream);
            if (stream.ReadByte() != ChannelGreeting.Admitted)
            {
                throw new IOException("the server did not admit this channel");
            }

            foreach (var unit in _queue.GetConsumingEnumerable())
            {
                using (unit)
                {
                    var bytes = FrameWriter.Write(stream, unit);
                    _owner.Tell(new UnitSent(_incarnation, bytes));
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            if (!_closed)
            {
                _owner.Tell(new Broken(_incarnation, e.Message));
            }
        }
    }

    /// <summary>A unit was written whole.</summary>
    internal sealed record UnitSent(Incarnation Incarnation, long Bytes) : ILocalMessage;

    /// <summary>The channel cannot be used any more.</summary>
    internal sealed record Broken(Incarnation Incarnation, string Reason) : ILocalMessage;
}
