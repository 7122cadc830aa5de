using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>How a device that trains opens its link.</summary>
public sealed class DeviceDialSpecs
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact(DisplayName = "A link that is open closes with the life it was opened for, also where nobody is left to take it")]
    public async Task Should_close_what_nobody_takes()
    {
        using var listener = Carrier.Tcp.Listen("127.0.0.1", 0);
        using var life = new CancellationTokenSource();
        var server = new ChannelEndpoint("127.0.0.1", listener.Port, new string('A', 32));
        var dialled = Task.Run(() => DeviceDial.Open(server, new Incarnation(1), ChannelRoute.Plain, life.Token));
        using var accepted = listener.Accept();
        using var stream = accepted.Open();
        Assert.Equal(new Incarnation(1), ChannelGreeting.Read(stream).Incarnation);
        ChannelGreeting.WriteAnswer(stream, 0);
        await dialled.WaitAsync(Limit);

        var rest = Task.Run(stream.ReadByte);
        await life.CancelAsync();
        Assert.Equal(-1, await rest.WaitAsync(Limit));
    }

    [Fact(DisplayName = "Attempts end with the life that they are made for")]
    public async Task Should_give_up_with_the_life()
    {
        int port;
        using (var listener = Carrier.Tcp.Listen("127.0.0.1", 0))
        {
            port = listener.Port;
        }

        using var life = new CancellationTokenSource();
        var attempts = 0;
        var tried = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var route = ChannelRoute.Plain with { Carrier = new Counting(() => Signal(ref attempts, tried)) };
        var dialled = Task.Run(() => DeviceDial.Open(new ChannelEndpoint("127.0.0.1", port, new string('A', 32)), new Incarnation(1), route, life.Token));
        await tried.Task.WaitAsync(Limit);
        await life.CancelAsync();

        await Assert.ThrowsAsync<IOException>(() => dialled.WaitAsync(Limit));
    }

    private static void Signal(ref int attempts, TaskCompletionSource tried)
    {
        if (Interlocked.Increment(ref attempts) == 3)
        {
            tried.TrySetResult();
        }
    }

    private sealed class Counting(Action dialled) : Carrier
    {
        public override CarrierListener Listen(string host, int port) => Tcp.Listen(host, port);

        public override CarrierConnection Dial(string host, int port)
        {
            dialled();
            return Tcp.Dial(host, port);
        }
    }
}
