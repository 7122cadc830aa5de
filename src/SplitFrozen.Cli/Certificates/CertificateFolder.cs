using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;

namespace SplitFrozen.Cli.Certificates;

/// <summary>A folder with an authority and what it issued. Private keys can be read by the owner alone.</summary>
/// <param name="folder">Absolute path.</param>
internal sealed class CertificateFolder(string folder)
{
    private const int AuthorityDays = 3650;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The authority's certificate, which every node needs.</summary>
    public string Authority => Path.Combine(folder, "ca.pem");

    private string AuthorityKey => Path.Combine(folder, "ca.key");

    /// <summary>Issues a certificate and writes it and its key.</summary>
    /// <returns>The two files.</returns>
    /// <exception cref="UserErrorException">One of them is there already, the folder cannot be written, or its authority is none.</exception>
    public (string Certificate, string Key) Issue(CertificateOrder order, int days)
    {
        var (certificate, key) = (Path.Combine(folder, $"{order.Name}.pem"), Path.Combine(folder, $"{order.Name}.key"));
        if (new[] { certificate, key }.FirstOrDefault(File.Exists) is { } present)
        {
            throw new UserErrorException($"{present} is there already. Give the node another name, or move the file away.");
        }

        try
        {
            Directory.CreateDirectory(folder);
            using var authority = OpenAuthority();
            var issued = authority.Issue(order, days);
            WriteKey(key, issued.Key);
            File.WriteAllText(certificate, issued.Certificate);
            return (certificate, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"Certificates cannot be written to {folder}: {e.Message}", e);
        }
    }

    private CertificateAuthority OpenAuthority()
    {
        if (File.Exists(Authority) || File.Exists(AuthorityKey))
        {
            return CertificateAuthority.Open(Authority, AuthorityKey);
        }

        var authority = new CertificateAuthority("SplitFrozen development authority", AuthorityDays);
        WriteKey(AuthorityKey, authority.KeyPem);
        File.WriteAllText(Authority, authority.RootPem);
        return authority;
    }

    private static void WriteKey(string file, string pem)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var writer = new StreamWriter(file, options);
        writer.Write(pem);
    }
}
