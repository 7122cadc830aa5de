using System.Collections.Concurrent;
using System.Net.Sockets;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Tests.Channel.Support;

/// <summary>A listener on loopback that keeps what arrives, with one grant open and layout 1 of two layers allowed to whoever is admitted.</summary>
internal sealed class TestChannel : IDisposable
{
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private readonly BlockingCollection<ActivationUnit> _arrived = [];
    private readonly BlockingCollection<ChannelRefusal> _refused = [];

    public TestChannel(
        TlsIdentity? identity = null, ChannelRules? rules = null, ServerMemory? memory = null, Action<ActivationUnit>? arrived = null, LimitSettings? limits = null,
        Carrier? carrier = null)
    {
        Memory = memory ?? new ServerMemory(1 << 26, 1024);
        if (memory is null)
        {
            Memory.Open(Grant, 10_000);
        }

        var options = new ListenerOptions("127.0.0.1", 0, identity) { Limits = limits ?? LimitSettings.Default, Carrier = carrier ?? Carrier.Tcp };
        Listener = new ChannelListener(options, rules ?? Frames.Rules, Memory, arrived ?? _arrived.Add, _refused.Add);
    }

    public static GrantId Grant { get; } = new(0, 0);

    public ServerMemory Memory { get; }

    public ChannelListener Listener { get; }

    public ChannelEndpoint Admit(DeviceId device, Incarnation life)
    {
        var token = Listener.Admit(device, life);
        Listener.Allow(device, new AllocationEpoch(1), 2);
        return new ChannelEndpoint("127.0.0.1", Listener.Port, token);
    }

    public ActivationUnit Next() => _arrived.TryTake(out var unit, Long) ? unit : throw new TimeoutException("no unit arrived");

    public ChannelRefusal NextRefusal() => _refused.TryTake(out var refusal, Long) ? refusal : throw new TimeoutException("nothing was refused");

    public bool HasArrived => _arrived.Count > 0;

    /// <summary>A plain connection, past the greeting.</summary>
    public NetworkStream Greet(string token, long incarnation = 42)
    {
        var stream = Connect();
        new ChannelGreeting(new Incarnation(incarnation), token).Write(stream);
        return stream;
    }

    public NetworkStream Connect()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Long.TotalMilliseconds };
        socket.Connect("127.0.0.1", Listener.Port);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public void Dispose()
    {
        Listener.Dispose();
        foreach (var unit in _arrived)
        {
            unit.Dispose();
        }
    }
}
