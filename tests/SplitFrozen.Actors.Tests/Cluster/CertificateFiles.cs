using SplitFrozen.Actors.Security;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A folder with a certificate, its key and the authority that issued it, and the settings that name them.</summary>
internal sealed class CertificateFiles : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("splitfrozen-certificates");

    public CertificateFiles()
    {
        using var authority = new CertificateAuthority("test");
        var (certificate, key) = authority.Issue("node");
        Settings =
        [
            "splitfrozen.security.tls.enabled=on", $"splitfrozen.security.tls.certificate=\"{Write("node.pem", certificate)}\"",
            $"splitfrozen.security.tls.key=\"{Write("node.key", key)}\"", $"splitfrozen.security.tls.ca=\"{Write("ca.pem", authority.RootPem)}\"",
        ];
    }

    public string[] Settings { get; }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
