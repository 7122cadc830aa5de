using System.Net.Sockets;

using SplitFrozen.TestKit.Timing;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Timing;

/// <summary>Connections in memory behave as those of TCP do.</summary>
public sealed class MemoryCarrierSpecs : IDisposable
{
    private readonly ControlledTime _time = new();
    private readonly MemoryCarrier _carrier;

    public MemoryCarrierSpecs() => _carrier = new MemoryCarrier(_time);

    public void Dispose() => _time.Dispose();

    [Fact(DisplayName = "What is written at one end is read at the other, in order, however it is cut, and a writer waits for the reader")]
    public async Task Should_carry_bytes()
    {
        var (near, far) = Connect();
        var sent = new byte[500_000];
        new Random(1).NextBytes(sent);
        var writing = Task.Run(() =>
        {
            for (var at = 0; at < sent.Length; at += 7777)
            {
                near.Write(sent, at, Math.Min(7777, sent.Length - at));
            }

            near.Dispose();
        });
        var received = new MemoryStream();
        far.CopyTo(received, 3333);
        await writing;

        Assert.Equal(sent, received.ToArray());
    }

    [Fact(DisplayName = "A connection that one end closes ends for the other after what was on its way; its writes fail")]
    public void Should_end()
    {
        var (near, far) = Connect();
        near.Write([1, 2]);
        near.Dispose();
        var buffer = new byte[4];

        Assert.Equal(2, far.Read(buffer, 0, 4));
        Assert.Equal(0, far.Read(buffer, 0, 4));
        Assert.Throws<IOException>(() => far.Write([3]));
        Assert.Throws<ObjectDisposedException>(() => near.Write([3]));
        Assert.Throws<ObjectDisposedException>(() => { _ = near.Read(buffer, 0, 4); });
    }

    [Fact(DisplayName = "Who waits for bytes or for a connection is woken when it is closed")]
    public async Task Should_wake_those_who_wait()
    {
        var listener = _carrier.Listen("here", 0);
        var (near, _) = Connect();
        var reading = Task.Run(() => near.Read(new byte[1], 0, 1));
        var accepting = Task.Run(listener.Accept);
        near.Dispose();
        listener.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => accepting);
        Assert.Throws<SocketException>(() => { _ = _carrier.Dial("here", listener.Port).Open(); });
    }

    private (Stream Near, Stream Far) Connect()
    {
        using var listener = _carrier.Listen("here", 0);
        var near = _carrier.Dial("here", listener.Port).Open();
        return (near, listener.Accept().Open());
    }
}
