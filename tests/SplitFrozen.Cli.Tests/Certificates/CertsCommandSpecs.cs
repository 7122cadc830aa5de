using System.Security.Cryptography.X509Certificates;

using SplitFrozen.Actors.Security;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Tests.Certificates;

public sealed class CertsCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_make_an_authority_and_certificates_that_it_vouches_for()
    {
        var folder = _program.At("certs");
        Assert.Equal(ExitCode.Done, await NewAsync("server", "--role", "server", "--host", "10.0.0.5"));
        var authority = await File.ReadAllTextAsync(Path.Combine(folder, "ca.pem"));
        Assert.Equal(ExitCode.Done, await NewAsync("phone", "--role", "device", "--device-id", "phone-3"));

        Assert.Equal(authority, await File.ReadAllTextAsync(Path.Combine(folder, "ca.pem")));
        foreach (var node in new[] { "server", "phone" })
        {
            using var identity = TlsIdentity.Load(new TlsSettings(true, Path.Combine(folder, $"{node}.pem"), Path.Combine(folder, $"{node}.key"), Path.Combine(folder, "ca.pem")));
            Assert.NotNull(identity);
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, $"{node}.pem"));
            Assert.Equal(node == "phone", NodeCertificate.MayBe(certificate, NodeCertificate.Device));
            Assert.Equal(node == "server", certificate.MatchesHostname("10.0.0.5"));
            Assert.True(certificate.MatchesHostname("localhost"));
        }

        Assert.Contains("splitfrozen.security.tls", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_leave_private_keys_to_their_owner()
    {
        Assert.Equal(ExitCode.Done, await NewAsync("server"));
        if (!OperatingSystem.IsWindows())
        {
            foreach (var key in new[] { "server.key", "ca.key" })
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_program.At("certs"), key)));
            }
        }
    }

    [Theory]
    [InlineData("server.pem", "server.key")]
    [InlineData("ca.pem", "ca.key")]
    public async Task Should_leave_no_key_behind_where_its_certificate_cannot_be_written(string certificate, string key)
    {
        // A folder is in the place of the file.
        Directory.CreateDirectory(Path.Combine(_program.At("certs"), certificate));

        Assert.Equal(ExitCode.BadInput, await NewAsync("server"));

        Assert.Contains("cannot be written to", _program.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_program.At("certs"), key)));
        Directory.Delete(Path.Combine(_program.At("certs"), certificate));
        Assert.Equal(ExitCode.Done, await NewAsync("server"));
    }

    [Fact]
    public async Task Should_not_write_over_what_is_there()
    {
        Assert.Equal(ExitCode.Done, await NewAsync("server"));
        var before = await File.ReadAllTextAsync(Path.Combine(_program.At("certs"), "server.key"));

        Assert.Equal(ExitCode.BadInput, await NewAsync("server"));
        Assert.Contains("is there already", _program.Error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(Path.Combine(_program.At("certs"), "server.key")));
    }

    [Theory]
    [InlineData("--role", "boss", "--role boss")]
    [InlineData("--host", "not a host", "--host not a host")]
    [InlineData("--device-id", "-x/", "--device-id -x/")]
    [InlineData("--days", "0", "--days 0")]
    public async Task Should_say_what_is_wrong(string option, string value, string named)
    {
        Assert.Equal(ExitCode.BadInput, await NewAsync("server", option, value));
        Assert.Contains(named, _program.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_program.At("certs")));
    }

    [Fact]
    public async Task Should_refuse_a_name_that_is_no_files_name()
    {
        Assert.Equal(ExitCode.BadInput, await NewAsync("../server"));
        Assert.Contains("'../server'", _program.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.BadInput, await NewAsync("ca"));
    }

    [Fact]
    public async Task Should_refuse_an_authority_that_is_none()
    {
        Directory.CreateDirectory(_program.At("certs"));
        await File.WriteAllTextAsync(Path.Combine(_program.At("certs"), "ca.pem"), "no certificate");

        Assert.Equal(ExitCode.BadInput, await NewAsync("server"));
        Assert.Contains("no usable authority", _program.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_program.At("certs"), "server.pem")));
    }

    private Task<ExitCode> NewAsync(string name, params string[] options) =>
        _program.RunAsync(["certs", "new", name, "--out", _program.At("certs"), .. options]);
}
