using System.Text;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Files;

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
            WritePair(certificate, issued.Certificate, key, issued.Key);
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
        WritePair(Authority, authority.RootPem, AuthorityKey, authority.KeyPem);
        return authority;
    }

    /// <summary>Writes both files, or none: a key without its certificate is of no use and would be in the way.</summary>
    private static void WritePair(string certificate, string certificatePem, string key, string keyPem)
    {
        WriteKey(key, keyPem);
        try
        {
            AtomicFile.Write(certificate, certificatePem);
        }
        catch
        {
            File.Delete(key);
            throw;
        }
    }

    private static void WriteKey(string file, string pem)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        // One that exists is refused here, and left alone.
        var stream = new FileStream(file, options);
        try
        {
            using (stream)
            {
                stream.Write(Encoding.ASCII.GetBytes(pem));
            }
        }
        catch
        {
            File.Delete(file);
            throw;
        }
    }
}
