using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SplitFrozen.Actors.Security;

/// <summary>An authority made on the spot, which issues certificates of a day for one machine: for benchmarks and tests.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _root;

    public CertificateAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>The authority's certificate as PEM.</summary>
    public string RootPem => _root.ExportCertificatePem();

    /// <summary>Issues a certificate for both ends of a connection, or for the connecting end only.</summary>
    public (string Certificate, string Key) Issue(string name, bool forServers = true)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        OidCollection uses = forServers ? [new Oid(ServerUse), new Oid(ClientUse)] : [new Oid(ClientUse)];
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(uses, critical: false));
        using var issued = request.Create(_root, _root.NotBefore, _root.NotAfter, RandomNumberGenerator.GetBytes(16));
        return (issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>An identity that this authority vouches for.</summary>
    public TlsIdentity Identity(string name, bool forServers = true)
    {
        var (certificate, key) = Issue(name, forServers);
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(RootPem);
        return new TlsIdentity(TlsIdentity.WithKey(certificate, key), authorities);
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();
}
