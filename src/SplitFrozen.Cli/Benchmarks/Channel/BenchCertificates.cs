using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>A folder of certificates for one run of a benchmark.</summary>
internal sealed class BenchCertificates : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("splitfrozen-bench");

    public BenchCertificates()
    {
        using var authority = new CertificateAuthority("benchmark");
        var (certificate, key) = authority.Issue("benchmark node");
        var files = Settings(Folder);
        File.WriteAllText(files.Certificate!, certificate);
        File.WriteAllText(files.Key!, key);
        File.WriteAllText(files.Authority!, authority.RootPem);
    }

    public string Folder => _folder.FullName;

    /// <summary>The files of such a folder.</summary>
    public static TlsSettings Settings(string folder) =>
        new(true, Path.Combine(folder, "node.pem"), Path.Combine(folder, "node.key"), Path.Combine(folder, "ca.pem"));

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
