using System.Text;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Tests.Channel.Support;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

using Xunit;

using static SplitFrozen.Actors.Tests.Channel.Support.Frames;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>What a hostile or broken peer does to the server: it is refused and counted, and others go on.</summary>
public sealed class ChannelListenerSpecs : IDisposable
{
    private readonly TestChannel _channel = new();

    public void Dispose() => _channel.Dispose();

    [Theory(DisplayName = "A frame that does not fit its life is refused, its connection closed and its token void")]
    [InlineData(FrameFault.StaleIncarnation)]
    [InlineData(FrameFault.StaleAllocation)]
    [InlineData(FrameFault.OutOfSequence)]
    [InlineData(FrameFault.NotGranted)]
    [InlineData(FrameFault.NotFinite)]
    [InlineData(FrameFault.BadHeader)]
    public void Should_refuse_a_frame_and_end_the_life(FrameFault fault)
    {
        var token = _channel.Admit(Phone, Life).Token;
        using var stream = _channel.Greet(token);
        Assert.Equal(0, ChannelGreeting.ReadAnswer(stream));
        stream.Write(Bad(fault));

        var refusal = _channel.NextRefusal();
        Assert.Equal((Phone, fault, 1L, true), (refusal.Device!.Value, refusal.Fault, refusal.Count, refusal.IsPeersFault));
        AssertClosed(stream);
        using var again = _channel.Greet(token);
        AssertClosed(again);
        Assert.Equal(FrameFault.NotAdmitted, _channel.NextRefusal().Fault);
        Assert.Equal(0, _channel.Memory.HeldBytes);
        Assert.Equal(1, _channel.Listener.Refusals[fault]);
        AssertServesOthers();
    }

    [Fact(DisplayName = "An allocation older than one that was used is stale")]
    public void Should_refuse_an_older_allocation()
    {
        var token = _channel.Admit(Phone, Life).Token;
        _channel.Listener.Allow(Phone, new AllocationEpoch(2), 3);
        using var stream = _channel.Greet(token);
        stream.Write(Written(Unit(grant: TestChannel.Grant)));
        stream.Write(Written(Unit(grant: TestChannel.Grant, allocation: 2, depth: 3), sequence: 1));
        stream.Write(Written(Unit(grant: TestChannel.Grant), sequence: 2));

        Assert.Equal([2, 3], [_channel.Next().Header.Depth, _channel.Next().Header.Depth]);
        Assert.Equal(FrameFault.StaleAllocation, _channel.NextRefusal().Fault);
    }

    [Fact(DisplayName = "A device that sends without credit is refused, one that waits for it is not")]
    public void Should_hold_a_device_to_its_credits()
    {
        var token = _channel.Admit(Phone, Life).Token;
        using var stream = _channel.Greet(token);
        for (var sent = 0; sent < 5; sent++)
        {
            if (sent == 4)
            {
                _channel.Listener.Return(Phone, Life, 1);
            }

            stream.Write(Written(Unit(grant: TestChannel.Grant), sent));
            _channel.Next().Dispose();
        }

        stream.Write(Written(Unit(grant: TestChannel.Grant), 5));
        Assert.Equal(FrameFault.NoCredit, _channel.NextRefusal().Fault);
        AssertClosed(stream, answers: 6);
        AssertServesOthers();
    }

    [Theory(DisplayName = "What does not begin with the greeting of a device that was admitted is refused")]
    [InlineData("GET / HTTP/1.1\r\nHost: server\r\nAccept: text/html, */*\r\n\r\n", FrameFault.NotAFrame)]
    [InlineData("short", FrameFault.NotAFrame)]
    public void Should_refuse_strangers(string says, FrameFault fault)
    {
        using var stream = _channel.Connect();
        stream.Write(Encoding.ASCII.GetBytes(says));
        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        var refusal = _channel.NextRefusal();
        Assert.Equal((null, fault), (refusal.Device, refusal.Fault));
        AssertServesOthers();
    }

    [Fact(DisplayName = "A guessed token, or one with another incarnation, is not admitted")]
    public void Should_refuse_tokens_it_did_not_give()
    {
        var token = _channel.Admit(Phone, Life).Token;
        using var guess = _channel.Greet(new string('0', ChannelGreeting.TokenLength));
        using var other = _channel.Greet(token, incarnation: 41);

        AssertClosed(guess);
        AssertClosed(other);
        Assert.Equal(FrameFault.NotAdmitted, _channel.NextRefusal().Fault);
        Assert.Equal(FrameFault.NotAdmitted, _channel.NextRefusal().Fault);
    }

    [Fact(DisplayName = "A new life of a device ends the earlier one")]
    public void Should_end_an_earlier_life()
    {
        using var earlier = _channel.Greet(_channel.Admit(Phone, Life).Token);
        Assert.Equal(0, ChannelGreeting.ReadAnswer(earlier));
        var token = _channel.Admit(Phone, new Incarnation(43)).Token;
        using var later = _channel.Greet(token, incarnation: 43);

        AssertClosed(earlier);
        Assert.Equal(0, ChannelGreeting.ReadAnswer(later));
    }

    [Fact(DisplayName = "After a break or a damaged frame the same life goes on with the frame that is missing")]
    public void Should_go_on_after_a_break()
    {
        var token = _channel.Admit(Phone, Life).Token;
        var frames = Enumerable.Range(0, 3).Select(i => Written(Unit(grant: TestChannel.Grant), i)).ToArray();
        using (var stream = _channel.Greet(token))
        {
            stream.Write(frames[0]);
            stream.Write(frames[1].AsSpan(0, 100));
            stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.Equal(FrameFault.Truncated, _channel.NextRefusal().Fault);
        }

        using (var stream = _channel.Greet(token))
        {
            Assert.Equal(1, ChannelGreeting.ReadAnswer(stream));
            var damaged = frames[1].ToArray();
            damaged[^20] ^= 1;
            stream.Write(damaged);
            Assert.Equal(FrameFault.BadChecksum, _channel.NextRefusal().Fault);
        }

        using var last = _channel.Greet(token);
        Assert.Equal(1, ChannelGreeting.ReadAnswer(last));
        last.Write(frames[1]);
        last.Write(frames[2]);
        Assert.Equal(2, ChannelGreeting.ReadAnswer(last));
        Assert.Equal(3, ChannelGreeting.ReadAnswer(last));
    }

    [Fact(DisplayName = "A connection that breaks before the server has answered a greeting is nobody's fault: the same life goes on")]
    public void Should_not_blame_a_device_for_a_break_at_the_greeting()
    {
        using var channel = new TestChannel(carrier: new BreakingCarrier());
        var token = channel.Admit(Phone, Life).Token;
        using var broken = channel.Greet(token);
        AssertClosed(broken);

        using var again = channel.Greet(token);
        Assert.Equal(0, ChannelGreeting.ReadAnswer(again));
        Assert.Empty(channel.Listener.Refusals);
    }

    [Fact(DisplayName = "Damaged frames are put down to the line, but not again and again: then the life is over, and the device is at fault")]
    public void Should_not_put_up_with_damage_for_ever()
    {
        using var channel = new TestChannel(limits: LimitSettings.Default with { DamagedFrames = 3 });
        var token = channel.Admit(Phone, Life).Token;
        var damaged = Written(Unit(grant: TestChannel.Grant));
        damaged[^20] ^= 1;
        for (var time = 1; time <= 4; time++)
        {
            using var stream = channel.Greet(token);
            Assert.Equal(0, ChannelGreeting.ReadAnswer(stream));
            stream.Write(damaged);
            var refusal = channel.NextRefusal();
            Assert.Equal((FrameFault.BadChecksum, time == 4), (refusal.Fault, refusal.IsPeersFault));
        }

        using var again = channel.Greet(token);
        AssertClosed(again);
        Assert.Equal(FrameFault.NotAdmitted, channel.NextRefusal().Fault);
    }

    [Fact(DisplayName = "Whole frames between damaged ones give a device more time, not all the time")]
    public void Should_count_all_damage_of_a_life()
    {
        using var channel = new TestChannel(limits: LimitSettings.Default with { DamagedFrames = 1 });
        var token = channel.Admit(Phone, Life).Token;
        var refusals = new List<ChannelRefusal>();
        for (var sequence = 0; refusals.Count < 11; sequence++)
        {
            channel.Listener.Return(Phone, Life, sequence);
            using var stream = channel.Greet(token);
            var frame = Written(Unit(grant: TestChannel.Grant), sequence);
            Assert.Equal(sequence, ChannelGreeting.ReadAnswer(stream));
            stream.Write(frame);
            channel.Next().Dispose();
            Assert.Equal(sequence + 1, ChannelGreeting.ReadAnswer(stream));
            var next = Written(Unit(grant: TestChannel.Grant), sequence + 1);
            next[^20] ^= 1;
            stream.Write(next);
            refusals.Add(channel.NextRefusal());
        }

        Assert.Equal(10, refusals.FindIndex(r => r.IsPeersFault));
    }

    [Fact(DisplayName = "A device that connects oftener than it may is refused; another is served")]
    public void Should_limit_connections()
    {
        using var channel = new TestChannel(limits: LimitSettings.Default with { ConnectionsPerMinute = 10 });
        var token = channel.Admit(Phone, Life).Token;
        for (var time = 0; time < 10; time++)
        {
            using var stream = channel.Greet(token);
            Assert.Equal(0, ChannelGreeting.ReadAnswer(stream));
        }

        using var last = channel.Greet(token);
        AssertClosed(last);
        var refusal = channel.NextRefusal();
        Assert.Equal((FrameFault.TooOften, true), (refusal.Fault, refusal.IsPeersFault));
        using var other = channel.Greet(channel.Admit(new DeviceId("another"), Life).Token);
        Assert.Equal(0, ChannelGreeting.ReadAnswer(other));
    }

    [Fact(DisplayName = "Something unexpected on a connection's thread closes that connection, is told, and goes no further")]
    public void Should_survive_the_unexpected()
    {
        var came = 0;
        using var channel = new TestChannel(arrived: unit =>
        {
            unit.Dispose();
            if (Interlocked.Increment(ref came) == 1)
            {
                throw new InvalidOperationException("out of luck");
            }
        });
        var token = channel.Admit(Phone, Life).Token;
        using (var stream = channel.Greet(token))
        {
            stream.Write(Written(Unit(grant: TestChannel.Grant)));
            var refusal = channel.NextRefusal();
            Assert.Equal((FrameFault.Unexpected, false), (refusal.Fault, refusal.IsPeersFault));
            Assert.Contains("InvalidOperationException: out of luck", refusal.Message, StringComparison.Ordinal);
            AssertClosed(stream, answers: 1);
        }

        using var again = channel.Greet(token);
        Assert.Equal(1, ChannelGreeting.ReadAnswer(again));
        again.Write(Written(Unit(grant: TestChannel.Grant), 1));
        Assert.Equal(2, ChannelGreeting.ReadAnswer(again));
    }

    private static byte[] Bad(FrameFault fault)
    {
        var unit = fault switch
        {
            FrameFault.StaleIncarnation => Unit(life: 41),
            FrameFault.StaleAllocation => Unit(grant: TestChannel.Grant, depth: 3),
            FrameFault.NotGranted => Unit(grant: new GrantId(0, 1)),
            FrameFault.BadHeader => Unit(grant: TestChannel.Grant, targets: [3, 77]),
            _ => Unit(grant: TestChannel.Grant),
        };
        if (fault == FrameFault.NotFinite)
        {
            unit.Values.Span[3] = float.NaN;
        }

        return Written(unit, fault == FrameFault.OutOfSequence ? 1 : 0);
    }

    /// <summary>Reads until the server's end: the answers to frames that it took before may still come.</summary>
    private static void AssertClosed(Stream stream, int answers = 0)
    {
        try
        {
            while (ChannelGreeting.ReadAnswer(stream) is not null)
            {
                Assert.True(answers-- > 0, "the connection is still open");
            }
        }
        catch (IOException e)
        {
            // A connection that is closed with bytes unread is reset.
            Assert.IsType<System.Net.Sockets.SocketException>(e.InnerException);
        }
    }

    private void AssertServesOthers()
    {
        var device = new DeviceId("another");
        using var stream = _channel.Greet(_channel.Admit(device, Life).Token);
        stream.Write(Written(Unit(grant: TestChannel.Grant)));
        Assert.Equal(0, ChannelGreeting.ReadAnswer(stream));
        Assert.Equal(1, ChannelGreeting.ReadAnswer(stream));
        using var unit = _channel.Next();
        Assert.Equal(device, unit.Header.Device);
    }
}
