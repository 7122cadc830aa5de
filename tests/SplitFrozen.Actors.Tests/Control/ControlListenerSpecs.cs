using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

using SplitFrozen.Actors.Control;
using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;

using Xunit;

namespace SplitFrozen.Actors.Tests.Control;

/// <summary>Who may give commands, and what becomes of those who may not.</summary>
public sealed class ControlListenerSpecs : IDisposable
{
    private static readonly TlsSettings Plain = new(false, null, null, null);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("splitfrozen-control-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact(DisplayName = "A command of the user who started the server is answered; its file goes when the server goes")]
    public void Should_answer_its_user()
    {
        string address;
        using (var listener = Listen(null))
        {
            address = $"127.0.0.1:{listener.Endpoint.Port}";
            Assert.Equal("ping", ControlClient.Find(address, Plain).Ask<string>(ControlClient.Request("ping")));
            var refused = Assert.Throws<UserErrorException>(() => ControlClient.Find(address, Plain).Ask<string>(ControlClient.Request("break")));
            Assert.Equal("it is broken", refused.Message);
        }

        Assert.DoesNotContain(ControlFile.All(), f => address.EndsWith($":{f.Port}", StringComparison.Ordinal));
        Assert.Contains("No server answers", Assert.Throws<UserErrorException>(() => ControlClient.Find(address, Plain).Ask<string>(ControlClient.Request("ping"))).Message, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "A request without the secret, or of another version, is refused")]
    [InlineData("", 1, "secret")]
    [InlineData("00", 1, "secret")]
    [InlineData(null, 2, "version 2")]
    public void Should_refuse_others(string? token, int version, string why)
    {
        using var listener = Listen(null);
        using var client = new TcpClient("127.0.0.1", listener.Endpoint.Port);
        ControlWire.Write(client.GetStream(), new ControlRequest(version, "ping") { Token = token ?? listener.Endpoint.Token });

        Assert.Contains(why, ControlWire.Read<ControlReply>(client.GetStream(), ControlWire.ReplyLimit).Error, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "What is no request closes the connection, and the next command is answered")]
    public void Should_survive_garbage()
    {
        using var listener = Listen(null);
        byte[][] garbage = [[], "GET / HTTP/1.1\r\n\r\n"u8.ToArray(), [.. "SFC1"u8, 0x7f, 0xff, 0xff, 0xff], [.. "SFC1"u8, 0, 0, 0, 4, .. "{{{{"u8], [.. "SFC1"u8, 0, 0, 0, 4, .. "null"u8]];
        foreach (var bytes in garbage)
        {
            using var client = new TcpClient("127.0.0.1", listener.Endpoint.Port);
            var stream = client.GetStream();
            stream.Write(bytes);
            if (bytes.Length == 0)
            {
                client.Client.Shutdown(SocketShutdown.Send);
            }

            Assert.True(Ends(stream));
        }

        Assert.Equal("ping", ControlClient.Find($"127.0.0.1:{listener.Endpoint.Port}", Plain).Ask<string>(ControlClient.Request("ping")));
    }

    [Fact(DisplayName = "With TLS a command proves itself by a certificate of the same authority, and nobody else gets in")]
    public void Should_require_certificates()
    {
        using var authority = new CertificateAuthority("run");
        using var other = new CertificateAuthority("stranger");
        var (own, foreign) = (Tls(authority, "own"), Tls(other, "foreign"));
        using var identity = TlsIdentity.Load(own);
        using var listener = Listen(identity);
        var address = $"127.0.0.1:{listener.Endpoint.Port}";

        Assert.Equal("ping", ControlClient.Find(address, own).Ask<string>(ControlClient.Request("ping")));
        Assert.Throws<UserErrorException>(() => ControlClient.Find(address, foreign).Ask<string>(ControlClient.Request("ping")));
        Assert.Contains("TLS", Assert.Throws<UserErrorException>(() => ControlClient.Find(address, Plain).Ask<string>(ControlClient.Request("ping"))).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A request over which the server fails closes its connection and is told of, and the next command is answered")]
    public void Should_survive_the_unexpected()
    {
        using var warned = new BlockingCollection<string>();
        using var listener = new ControlListener(
            IPAddress.Loopback.ToString(), 0, "a run", null,
            request => request.Command == "break" ? throw new InvalidOperationException("out of luck") : ControlListener.Done(request.Command), warned.Add);
        using var client = new TcpClient("127.0.0.1", listener.Endpoint.Port);
        ControlWire.Write(client.GetStream(), new ControlRequest(ControlWire.Version, "break") { Token = listener.Endpoint.Token });

        Assert.True(Ends(client.GetStream()));
        Assert.True(warned.TryTake(out var warning, TimeSpan.FromSeconds(30)));
        Assert.Contains("InvalidOperationException: out of luck", warning, StringComparison.Ordinal);
        Assert.Equal("ping", ControlClient.Find($"127.0.0.1:{listener.Endpoint.Port}", Plain).Ask<string>(ControlClient.Request("ping")));
    }

    [Theory(DisplayName = "An address that is none is named")]
    [InlineData("host")]
    [InlineData(":4055")]
    [InlineData("host:0")]
    [InlineData("host:x")]
    public void Should_name_a_bad_address(string address) =>
        Assert.Contains(address, Assert.Throws<UserErrorException>(() => ControlClient.Find(address, Plain)).Message, StringComparison.Ordinal);

    [Fact(DisplayName = "The file with the secret can be read by its user only")]
    public void Should_keep_the_secret()
    {
        using var listener = Listen(null);
        var file = Path.Combine(ControlFile.Folder, $"{Environment.ProcessId}-{listener.Endpoint.Port}.json");

        Assert.Equal(listener.Endpoint, JsonSerializer.Deserialize<ControlFile>(File.ReadAllText(file), ControlWire.Json));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    private static ControlListener Listen(TlsIdentity? identity) => new(
        IPAddress.Loopback.ToString(), 0, "a run", identity,
        request => request.Command == "break" ? new ControlReply("it is broken", null) : ControlListener.Done(request.Command), text => Assert.Fail(text));

    private static bool Ends(NetworkStream stream)
    {
        stream.ReadTimeout = 10_000;
        try
        {
            return stream.ReadByte() == -1;
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            return true;
        }
    }

    private TlsSettings Tls(CertificateAuthority authority, string name)
    {
        string At(string part) => Path.Combine(_folder.FullName, $"{name}-{part}");
        var (certificate, key) = authority.Issue("node");
        File.WriteAllText(At("certificate"), certificate);
        File.WriteAllText(At("key"), key);
        File.WriteAllText(At("ca"), authority.RootPem);
        return new TlsSettings(true, At("certificate"), At("key"), At("ca"));
    }
}
