using System.Collections.Concurrent;
using System.Net.Sockets;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Where a listener listens, and whom it trusts.</summary>
/// <param name="Host">Address or name to listen on.</param>
/// <param name="Port">Port, or 0 for a free one.</param>
/// <param name="Identity">Certificates, or null for plain connections.</param>
internal sealed record ListenerOptions(string Host, int Port, TlsIdentity? Identity)
{
    /// <summary>How connections are made.</summary>
    public Carrier Carrier { get; init; } = Carrier.Tcp;

    /// <summary>By which peers are given time to say who they are.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How often devices may connect, and send damaged frames.</summary>
    public LimitSettings Limits { get; init; } = LimitSettings.Default;
}

/// <summary>The server's end of the activation channels: accepts connections of admitted devices, and knows the lives they belong to.</summary>
internal sealed class ChannelListener : IDisposable
{
    /// <summary>So many peers may have connected without having said who they are.</summary>
    private const int MostUngreeted = 256;

    private readonly CarrierListener _listener;
    private readonly Action<ActivationUnit> _arrived;
    private readonly Action<ChannelRefusal> _refused;
    private readonly RefusalCounts _refusals = new();
    private readonly ConcurrentDictionary<string, ChannelLife> _tokens = new();
    private readonly ConcurrentDictionary<DeviceId, ChannelLife> _lives = new();
    private readonly ConcurrentDictionary<ServerConnection, byte> _connections = new();
    private readonly ConcurrentDictionary<DeviceId, TokenBucket> _opened = new();
    private readonly LimitSettings _limits;
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
        (Identity, Time, Rules, Memory, _limits, _arrived, _refused) = (options.Identity, options.Time, rules, memory, options.Limits, arrived, refused);
        _listener = options.Carrier.Listen(options.Host, options.Port);
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "activation-accept" };
        _acceptor.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port => _listener.Port;

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

    internal TimeProvider Time { get; }

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

        var life = new ChannelLife(device, incarnation, Rules.Credits, _limits.DamagedFrames);
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
    /// <param name="device">Whose connection it was, or null.</param>
    /// <param name="refusal">The refusal.</param>
    /// <param name="isPeersFault">Whether the device itself is at fault; null: as the kind of refusal has it.</param>
    public void Refuse(DeviceId? device, FrameException refusal, bool? isPeersFault = null)
    {
        var count = _refusals.Add(refusal.Fault);
        if (!_closed)
        {
            _refused(new ChannelRefusal(device, refusal.Fault, refusal.Message, count, isPeersFault ?? !refusal.MayBeTransient));
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

    /// <summary>A device connects.</summary>
    /// <exception cref="FrameException">It does so too often.</exception>
    internal void Connects(DeviceId device)
    {
        var most = (double)_limits.ConnectionsPerMinute;
        var bucket = _opened.GetOrAdd(device, _ => new TokenBucket(most, Time));
        lock (bucket)
        {
            FrameException.Require(
                bucket.Take(most / 60, most), FrameFault.TooOften, $"it connects more than {_limits.ConnectionsPerMinute} times a minute (splitfrozen.security.limits.connections-per-minute)");
        }
    }

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

    private void Accept()
    {
        while (!_closed)
        {
            try
            {
                Take(_listener.Accept());
            }
            catch (Exception e)
            {
                if (_closed)
                {
                    return;
                }

                // A peer that was gone before it was taken is nothing; whatever else it is, others are to be taken.
                if (e is not (SocketException or ObjectDisposedException))
                {
                    Refuse(null, new FrameException(FrameFault.Unexpected, $"a connection could not be taken: {e.Message}"));
                }
            }
        }
    }

    private void Take(CarrierConnection accepted)
    {
        if (Interlocked.Increment(ref _ungreeted) > MostUngreeted)
        {
            Interlocked.Decrement(ref _ungreeted);
            accepted.Dispose();
            Refuse(null, new FrameException(FrameFault.Silent, $"more than {MostUngreeted} peers are connected without having said who they are"));
            return;
        }

        var connection = new ServerConnection(accepted, this);
        _connections[connection] = 0;
        connection.Start();
    }
}
