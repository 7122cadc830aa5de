using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Security;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>With TLS on, a control plane speaks to nodes of its own authority only.</summary>
[Collection(ClusterCollection.Name)]
public sealed class RemotingTlsSpecs : Akka.TestKit.Xunit2.TestKit
{
    private static readonly Config _remote = ConfigurationFactory.ParseString(
        """
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
        akka.loglevel = WARNING
        akka.stdout-loglevel = OFF
        """);

    private readonly CertificateAuthority _ours = new("ours");
    private readonly CertificateAuthority _foreign = new("foreign");

    [Fact(DisplayName = "Nodes of one authority reach each other")]
    public async Task Should_reach_nodes_of_the_same_authority()
    {
        using var server = _ours.Identity("server");
        using var device = _ours.Identity("device");
        var (host, address) = Secured("host", server.ForRemoting());
        var (guest, _) = Secured("guest", device.ForRemoting());

        Assert.NotNull((await AskAsync(guest, address)).Subject);

        await guest.Terminate();
        await host.Terminate();
    }

    [Fact(DisplayName = "A node with a foreign certificate gets nowhere, and the node that it wanted says so")]
    public async Task Should_refuse_a_foreign_certificate()
    {
        using var server = _ours.Identity("server");
        var (certificate, key) = _foreign.Issue("stranger");
        using var stranger = TlsIdentity.WithKey(certificate, key);
        var (host, address) = Secured("host", server.ForRemoting());
        host.EventStream.Subscribe(TestActor, typeof(Warning));
        var (guest, _) = Secured("guest", new DotNettySslSetup(stranger, suppressValidation: true));

        var asked = AskAsync(guest, address);
        await FishForMessageAsync(message => message is Warning { Message: var text } && text.ToString()!.Contains("The control plane refused", StringComparison.Ordinal));
        // Where the refusal comes first, dead letters answer, with nobody.
        Assert.True(!asked.IsCompleted || (await asked).Subject is null);

        await guest.Terminate();
        await host.Terminate();
    }

    [Theory(DisplayName = "A certificate of our authority that is for another host, or for something else than a node, gets nowhere")]
    [InlineData("elsewhere.example", null)]
    [InlineData("127.0.0.1", "operator")]
    public async Task Should_refuse_another_host_or_role(string certified, string? role)
    {
        using var bad = _ours.Identity(_ours.Issue(new CertificateOrder("host", role, [certified], [])));
        using var device = _ours.Identity("device");
        var (host, address) = Secured("host", bad.ForRemoting());
        var (guest, _) = Secured("guest", device.ForRemoting());
        guest.EventStream.Subscribe(TestActor, typeof(Warning));

        var asked = AskAsync(guest, address);
        await FishForMessageAsync(message => message is Warning { Message: var text } && text.ToString()!.Contains("The control plane refused", StringComparison.Ordinal));
        Assert.True(!asked.IsCompleted || (await asked).Subject is null);

        await guest.Terminate();
        await host.Terminate();
    }

    [Theory(DisplayName = "A peer without a certificate, or without TLS, is shown the door, and nodes with one go on")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Should_refuse_peers_without_a_certificate(bool speaksTls)
    {
        using var server = _ours.Identity("server");
        using var device = _ours.Identity("device");
        var (host, address) = Secured("host", server.ForRemoting());
        using (var client = new TcpClient(address.Host!, address.Port!.Value) { ReceiveTimeout = 20_000 })
        {
            Assert.True(await IsClosedAsync(client, speaksTls));
        }

        var (guest, _) = Secured("guest", device.ForRemoting());
        Assert.NotNull((await AskAsync(guest, address)).Subject);

        await guest.Terminate();
        await host.Terminate();
    }

    /// <inheritdoc/>
    protected override void AfterAll()
    {
        base.AfterAll();
        _ours.Dispose();
        _foreign.Dispose();
    }

    /// <summary>Whether the other end closes, in the handshake or after it, without having said anything.</summary>
    private static async Task<bool> IsClosedAsync(TcpClient client, bool speaksTls)
    {
        try
        {
            Stream stream = client.GetStream();
            if (speaksTls)
            {
                var secured = new SslStream(stream, leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate is not null);
                await secured.AuthenticateAsClientAsync("127.0.0.1");
                stream = secured;
            }

            await stream.WriteAsync("GET / HTTP/1.1\r\nHost: server\r\n\r\n"u8.ToArray());
            return await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(20)) == 0;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return true;
        }
    }

    private static (ActorSystem System, Address Address) Secured(string name, DotNettySslSetup tls)
    {
        var system = ActorSystem.Create(name, BootstrapSetup.Create().WithConfig(ActorConfig.Secured.WithFallback(_remote)).And(tls));
        return (system, ((ExtendedActorSystem)system).Provider.DefaultAddress);
    }

    private static Task<ActorIdentity> AskAsync(ActorSystem from, Address to) =>
        from.ActorSelection($"{to}/system").Ask<ActorIdentity>(new Identify("who"), TimeSpan.FromSeconds(20));
}
