using System.Collections.Concurrent;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Protocol.Messages;

using Xunit;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>How server nodes connect to each other.</summary>
public sealed class StageDoorSpecs : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly BlockingCollection<string> _refused = [];
    private readonly StageDoor _door;

    public StageDoorSpecs() => _door = new StageDoor(new DoorOptions("127.0.0.1", 0, null, 1 << 20), _refused.Add);

    public void Dispose()
    {
        _door.Dispose();
        _refused.Dispose();
    }

    [Fact(DisplayName = "Something unexpected over a connection closes it and is told, and the next link is opened")]
    public void Should_survive_the_unexpected()
    {
        _door.Await(Link('1'), 1, _ => throw new InvalidOperationException("out of luck"));
        using (var broken = _door.Dial(Link('1'), 1))
        {
            Assert.True(_refused.TryTake(out var reason, Long));
            Assert.Contains("out of luck", reason, StringComparison.Ordinal);
            Assert.Equal(-1, broken.Stream.ReadByte());
        }

        using var opened = new BlockingCollection<StageConnection>();
        _door.Await(Link('2'), 1, opened.Add);
        using var near = _door.Dial(Link('2'), 1);
        Assert.True(opened.TryTake(out var far, Long));
        near.Stream.WriteByte(7);
        Assert.Equal(7, far.Stream.ReadByte());
        far.Dispose();
    }

    [Fact(DisplayName = "What is no greeting is refused, and tells nothing")]
    public void Should_refuse_strangers()
    {
        using var connection = Carrier.Tcp.Dial("127.0.0.1", _door.Port);
        var stream = connection.Open();
        stream.Write("GET / HTTP/1.1\r\nHost: server\r\nAccept: text/html, */*\r\n\r\n"u8);

        Assert.True(_refused.TryTake(out var reason, Long));
        Assert.Contains("greeting", reason, StringComparison.Ordinal);
    }

    private ServerLink Link(char digit) => new(1, true, "127.0.0.1", _door.Port, new string(digit, ChannelGreeting.TokenLength), 0, 0);
}
