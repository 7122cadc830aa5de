using System.Collections.Concurrent;
using System.Net.Sockets;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;
using SplitFrozen.Actors.Training;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

using Xunit;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>Where server nodes connect to each other.</summary>
public sealed class StageDoorSpecs : IDisposable
{
    private const int Layout = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly BlockingCollection<ChannelRefusal> _refusals = [];
    private readonly List<IDisposable> _open = [];

    public void Dispose()
    {
        _open.ForEach(o => o.Dispose());
        _refusals.Dispose();
    }

    [Fact(DisplayName = "A link that is awaited is opened, also where the other end dials before it is awaited")]
    public async Task Should_open_what_is_awaited()
    {
        var (door, other) = (Door(), Door());
        var link = Link(door);
        using var early = Greet(door, link, Layout);
        var opened = Await(door, link);
        Assert.Equal(ChannelGreeting.AnswerBytes, early.Receive(new byte[ChannelGreeting.AnswerBytes]));
        _open.Add(await opened.WaitAsync(Limit));

        opened = Await(door, link);
        _open.Add(await Task.Run(() => other.Dial(link, Layout)).WaitAsync(Limit));
        _open.Add(await opened.WaitAsync(Limit));
        Assert.Empty(door.Refusals);
    }

    [Fact(DisplayName = "A connection that names a link that nobody awaits, or one of another layout, is refused, counted and told, and so is what is no greeting")]
    public void Should_count_what_it_refuses()
    {
        var door = Door();
        var link = Link(door);
        door.Await(link, Layout, _ => Assert.Fail("a link of another layout was opened"));
        using var unknown = Greet(door, link with { Token = new string('B', 32) }, Layout);
        using var earlier = Greet(door, link, Layout - 1);
        using var noise = Connect(door);
        noise.Send(new byte[ChannelGreeting.Bytes]);

        var told = Enumerable.Range(0, 3).Select(_ => Next()).OrderBy(r => (r.Fault, r.Count)).ToList();
        Assert.Equal([(FrameFault.NotAFrame, 1L), (FrameFault.NotAdmitted, 1), (FrameFault.NotAdmitted, 2)], told.Select(r => (r.Fault, r.Count)));
        Assert.Contains("not awaited", told[1].Message, StringComparison.Ordinal);
        Assert.Equal((1, 2), (door.Refusals[FrameFault.NotAFrame], door.Refusals[FrameFault.NotAdmitted]));
        Assert.Equal(0, unknown.Receive(new byte[1]));
    }

    [Fact(DisplayName = "With TLS a server node of the same authority is let in, a device's certificate and a foreign one are not")]
    public async Task Should_let_in_server_nodes_of_its_authority_only()
    {
        using var ours = new CertificateAuthority("ours");
        using var foreign = new CertificateAuthority("foreign");
        using var server = ours.Identity("server");
        var door = Door(server);
        var link = Link(door);
        var opened = Await(door, link);
        foreach (var issued in new[] { ours.Issue(new CertificateOrder("phone", NodeCertificate.Device, [], [])), foreign.Issue("stranger") })
        {
            using var stranger = ours.Identity(issued);
            using var socket = Connect(door);
            using var stream = new NetworkStream(socket);
            Assert.ThrowsAny<Exception>(() => Ask(stranger.AsClient(stream, "127.0.0.1"), link));
            Assert.Equal(FrameFault.NotTrusted, Next().Fault);
        }

        _open.Add(Door(server).Dial(link, Layout));
        _open.Add(await opened.WaitAsync(Limit));
    }

    [Fact(DisplayName = "Something unexpected over a connection closes it and is told, and the next link is opened")]
    public async Task Should_survive_the_unexpected()
    {
        var door = Door();
        var link = Link(door);
        door.Await(link, Layout, _ => throw new InvalidOperationException("out of luck"));
        using (var broken = door.Dial(link, Layout))
        {
            var refusal = Next();
            Assert.Equal((FrameFault.Unexpected, "out of luck"), (refusal.Fault, refusal.Message));
            Assert.Equal(-1, broken.Stream.ReadByte());
        }

        var opened = Await(door, link);
        _open.Add(await Task.Run(() => door.Dial(link, Layout)).WaitAsync(Limit));
        _open.Add(await opened.WaitAsync(Limit));
    }

    private static Task<StageConnection> Await(StageDoor door, ServerLink link)
    {
        var opened = new TaskCompletionSource<StageConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Await(link, Layout, c => opened.TrySetResult(c));
        return opened.Task;
    }

    private static void Ask(Stream stream, ServerLink link)
    {
        new ChannelGreeting(new Incarnation(Layout), link.Token).Write(stream);
        if (ChannelGreeting.ReadAnswer(stream) is null)
        {
            throw new IOException("closed");
        }
    }

    private ChannelRefusal Next() => _refusals.TryTake(out var refusal, Limit) ? refusal : throw new TimeoutException("nothing more was refused");

    private StageDoor Door(TlsIdentity? identity = null)
    {
        var door = new StageDoor(new DoorOptions("127.0.0.1", 0, identity, 1 << 20), _refusals.Add);
        _open.Insert(0, door);
        return door;
    }

    private static ServerLink Link(StageDoor door) => new(1, true, "127.0.0.1", door.Port, new string('A', 32), 0, 0);

    private static Socket Connect(StageDoor door)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect("127.0.0.1", door.Port);
        return socket;
    }

    private static Socket Greet(StageDoor door, ServerLink link, int layout)
    {
        var socket = Connect(door);
        using var stream = new NetworkStream(socket);
        new ChannelGreeting(new Incarnation(layout), link.Token).Write(stream);
        return socket;
    }
}
