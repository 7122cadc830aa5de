using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Tests.Channel.Support;
using SplitFrozen.Protocol;

using Xunit;
using Xunit.Abstractions;

using static SplitFrozen.Actors.Tests.Channel.Support.Frames;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>Both ends of the channel over links that break, and many devices at once.</summary>
public sealed class ResendSpecs(ITestOutputHelper output)
{
    [Theory(DisplayName = "Over a link that breaks at random offsets every unit arrives once, in order, bit for bit")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Should_send_again_what_a_break_took(int seed)
    {
        output.WriteLine($"seed {seed}");
        const int Units = 60;
        var random = new Random(seed);
        using var channel = new TestChannel(rules: Rules with { Credits = Units });
        var breaks = 0;
        var route = new ChannelRoute(null, stream =>
        {
            Interlocked.Increment(ref breaks);
            return new BreakingStream(stream, random.Next(ChannelGreeting.Bytes, 3000));
        });
        using var client = new ChannelClient(channel.Admit(Phone, Life), Phone, Life, ActivationCodec.Fp32, route, _ => { });
        for (var i = 0; i < Units; i++)
        {
            client.Send(Unit(grant: TestChannel.Grant, samples: [i, i + 1]));
        }

        for (var i = 0; i < Units; i++)
        {
            using var expected = Unit();
            using var got = channel.Next();
            Assert.Equal([i, i + 1], got.Header.Samples);
            Assert.Equal(expected.Values.ToArray(), got.Values.ToArray());
        }

        Assert.False(channel.HasArrived);
        Assert.InRange(breaks, 4, 1000);
    }

    [Fact(DisplayName = "A life that the server has ended is told so")]
    public async Task Should_tell_that_the_server_does_not_take_it()
    {
        using var channel = new TestChannel();
        var endpoint = channel.Admit(Phone, Life);
        channel.Listener.Close(Phone);
        var broken = new TaskCompletionSource<ChannelNews>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = new ChannelClient(endpoint, Phone, Life, ActivationCodec.Fp32, ChannelRoute.Plain, news => broken.TrySetResult(news));

        Assert.IsType<ChannelNews.Broken>(await broken.Task.WaitAsync(TestChannel.Long));
    }

    [Fact(DisplayName = "64 devices that send at once stay under the server's memory limit, and all get through")]
    public async Task Should_keep_many_devices_under_the_limit()
    {
        const int Devices = 64;
        const int UnitsEach = 8;
        const int Grants = 4;
        var sample = ServerMemory.SampleBytes(16, 64);
        var rules = Rules with { Width = 64, Credits = 4, MaxFrameBytes = 1 << 20 };

        // Room for one grant and a little: devices want to send four times as much at once.
        var memory = new ServerMemory(((Devices * UnitsEach / Grants) + 10) * sample, sample);
        var trainer = new ConsumerInOrder(memory, Grants, Devices * UnitsEach / Grants);
        using var channel = new TestChannel(rules: rules, memory: memory, arrived: trainer.Take);
        trainer.Return = channel.Listener.Return;
        var clients = Enumerable.Range(0, Devices).Select(d => Client(channel, new DeviceId($"d{d}"))).ToList();
        for (var unit = 0; unit < UnitsEach; unit++)
        {
            foreach (var (client, id) in clients)
            {
                client.Send(OneSample(id, new GrantId(0, unit * Grants / UnitsEach), unit));
            }
        }

        var trained = await trainer.All.WaitAsync(TestChannel.Long);
        clients.ForEach(c => c.Client.Dispose());
        Assert.Equal(Devices * UnitsEach, trained);
        Assert.Equal(0, memory.HeldBytes);
        Assert.Empty(channel.Listener.Refusals);
        output.WriteLine($"at most {trainer.MostBytes} bytes");
        Assert.InRange(trainer.MostBytes, 1, ((Devices * UnitsEach / Grants) + 10) * sample);
    }

    private static (ChannelClient Client, DeviceId Id) Client(TestChannel channel, DeviceId id) =>
        (new ChannelClient(channel.Admit(id, Life), id, Life, ActivationCodec.Fp32, ChannelRoute.Plain, _ => { }), id);

    private static ActivationUnit OneSample(DeviceId device, GrantId grant, int unit)
    {
        var made = new ActivationUnit(new UnitHeader(device, Life, new AllocationEpoch(1), grant, unit, 2, 64, [unit], [16], [1]));
        made.Values.Span.Fill(unit);
        return made;
    }
}
