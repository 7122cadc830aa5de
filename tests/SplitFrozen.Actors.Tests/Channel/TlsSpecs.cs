using System.Security.Authentication;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;
using SplitFrozen.Actors.Tests.Channel.Support;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

using Xunit;

using static SplitFrozen.Actors.Tests.Channel.Support.Frames;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>With TLS both ends prove who they are; who cannot gets nowhere.</summary>
public sealed class TlsSpecs : IDisposable
{
    private readonly CertificateAuthority _ours = new("ours");
    private readonly CertificateAuthority _foreign = new("foreign");
    private readonly TlsIdentity _server;
    private readonly TestChannel _channel;

    public TlsSpecs()
    {
        _server = _ours.Identity("server");
        _channel = new TestChannel(_server);
    }

    public void Dispose()
    {
        _channel.Dispose();
        _server.Dispose();
        _ours.Dispose();
        _foreign.Dispose();
    }

    [Fact(DisplayName = "A device whose certificate the authority issued gets its units through")]
    public void Should_carry_units_of_a_trusted_device()
    {
        using var identity = _ours.Identity("phone", forServers: false);
        using var client = new ChannelClient(
            _channel.Admit(Phone, Life), Phone, Life, ActivationCodec.Fp32, ChannelRoute.Plain with { Identity = identity }, _ => { });
        client.Send(Unit(grant: TestChannel.Grant));

        using var got = _channel.Next();
        using var expected = Unit();
        Assert.Equal(expected.Values.ToArray(), got.Values.ToArray());
    }

    [Fact(DisplayName = "A device with a foreign certificate is refused, even with a valid token")]
    public void Should_refuse_a_foreign_certificate()
    {
        using var identity = new TlsIdentityOfForeigner(_foreign, _ours);
        using var client = new ChannelClient(
            _channel.Admit(Phone, Life), Phone, Life, ActivationCodec.Fp32, ChannelRoute.Plain with { Identity = identity.Value }, _ => { });
        client.Send(Unit(grant: TestChannel.Grant));

        Assert.Equal(FrameFault.NotTrusted, _channel.NextRefusal().Fault);
        Assert.False(_channel.HasArrived);
    }

    [Fact(DisplayName = "A device without a certificate is refused")]
    public void Should_refuse_who_has_no_certificate()
    {
        using var stream = new System.Net.Security.SslStream(_channel.Connect(), false, (_, certificate, _, _) => certificate is not null);
        try
        {
            stream.AuthenticateAsClient("127.0.0.1");
            new ChannelGreeting(Life, _channel.Admit(Phone, Life).Token).Write(stream);
            Assert.Null(ChannelGreeting.ReadAnswer(stream));
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            Assert.NotNull(e.Message);
        }

        Assert.Equal(FrameFault.NotTrusted, _channel.NextRefusal().Fault);
    }

    [Fact(DisplayName = "A device that speaks no TLS is refused")]
    public void Should_refuse_plain_speech()
    {
        using var stream = _channel.Greet(_channel.Admit(Phone, Life).Token);

        Assert.Equal(FrameFault.NotTrusted, _channel.NextRefusal().Fault);
        Assert.False(_channel.HasArrived);
    }

    [Fact(DisplayName = "A server whose certificate is foreign, or issued for devices only, gets nothing from a device")]
    public void Should_not_speak_to_a_false_server()
    {
        using var device = _ours.Identity("phone");
        foreach (var (authority, forServers) in new[] { (_foreign, true), (_ours, false) })
        {
            using var identity = authority.Identity("false server", forServers);
            using var falseServer = new TestChannel(identity);
            using var stream = falseServer.Connect();

            Assert.Throws<AuthenticationException>(() => device.AsClient(stream, "127.0.0.1"));
        }
    }

    [Theory(DisplayName = "A certificate speaks for the devices and the role that it names, and for no others")]
    [InlineData(NodeCertificate.Device, "phone-3", true)]
    [InlineData(null, "phone-3", true)]
    [InlineData(NodeCertificate.Device, "laptop", false)]
    [InlineData(NodeCertificate.Server, "phone-3", false)]
    public void Should_bind_devices_to_certificates(string? role, string device, bool isTrusted)
    {
        using var identity = _ours.Identity(_ours.Issue(new CertificateOrder("node", role, [], [new DeviceId(device)])));
        using var client = new ChannelClient(
            _channel.Admit(Phone, Life), Phone, Life, ActivationCodec.Fp32, ChannelRoute.Plain with { Identity = identity }, _ => { });
        client.Send(Unit(grant: TestChannel.Grant));

        if (isTrusted)
        {
            using var got = _channel.Next();
            Assert.Equal(Phone, got.Header.Device);
        }
        else
        {
            Assert.Equal(FrameFault.NotTrusted, _channel.NextRefusal().Fault);
            Assert.False(_channel.HasArrived);
        }
    }

    [Fact(DisplayName = "A server whose certificate is for another host, or for a device node, gets nothing from a device")]
    public void Should_compare_host_and_role()
    {
        using var device = _ours.Identity("phone");
        foreach (var (role, host) in new[] { (NodeCertificate.Server, "10.1.2.3"), (NodeCertificate.Device, "127.0.0.1") })
        {
            using var identity = _ours.Identity(_ours.Issue(new CertificateOrder("false server", role, [host], [])));
            using var falseServer = new TestChannel(identity);
            using var stream = falseServer.Connect();

            Assert.Throws<AuthenticationException>(() => device.AsClient(stream, "127.0.0.1"));
        }
    }

    [Fact(DisplayName = "Certificates are read from PEM files; what is wrong with them is said")]
    public void Should_read_pem_files()
    {
        var folder = Directory.CreateTempSubdirectory("splitfrozen-tls");
        try
        {
            string Write(string name, string text)
            {
                var path = Path.Combine(folder.FullName, name);
                File.WriteAllText(path, text);
                return path;
            }

            var (certificate, key) = _ours.Issue("phone");
            var settings = new TlsSettings(true, Write("phone.pem", certificate), Write("phone.key", key), Write("ca.pem", _ours.RootPem));
            using var identity = TlsIdentity.Load(settings);
            Assert.NotNull(identity);
            Assert.Null(TlsIdentity.Load(settings with { Enabled = false }));

            Assert.Contains("splitfrozen.security.tls", Refusal(settings with { Key = Write("other.key", _ours.Issue("other").Key) }), StringComparison.Ordinal);
            Assert.Contains("nowhere.pem", Refusal(settings with { Authority = Path.Combine(folder.FullName, "nowhere.pem") }), StringComparison.Ordinal);
            Assert.Contains("no certificate", Refusal(settings with { Authority = Write("empty.pem", "") }), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Refusal(TlsSettings settings) => Assert.Throws<UserErrorException>(() => TlsIdentity.Load(settings)).Message;

    /// <summary>Has a foreign certificate, and trusts our server.</summary>
    private sealed class TlsIdentityOfForeigner : IDisposable
    {
        public TlsIdentityOfForeigner(CertificateAuthority foreign, CertificateAuthority ours)
        {
            var (certificate, key) = foreign.Issue("stranger");
            var trusted = new System.Security.Cryptography.X509Certificates.X509Certificate2Collection();
            trusted.ImportFromPem(ours.RootPem);
            Value = new TlsIdentity(TlsIdentity.WithKey(certificate, key), trusted);
        }

        public TlsIdentity Value { get; }

        public void Dispose() => Value.Dispose();
    }
}
