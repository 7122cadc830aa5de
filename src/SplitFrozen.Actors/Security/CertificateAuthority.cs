using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

using SplitFrozen.Domain;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Security;

/// <summary>What a certificate is to say.</summary>
/// <param name="Name">The node, as the subject's CN.</param>
/// <param name="Role"><see cref="NodeCertificate.Server"/>, <see cref="NodeCertificate.Device"/>, or null for both.</param>
/// <param name="Hosts">Names and addresses under which it is reached.</param>
/// <param name="Devices">Devices whose activations it may send; empty for any.</param>
internal sealed record CertificateOrder(string Name, string? Role, IReadOnlyList<string> Hosts, IReadOnlyList<DeviceId> Devices);

/// <summary>An authority that issues certificates for nodes: for development, benchmarks and tests.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private static readonly string[] ThisMachine = ["127.0.0.1", "::1", "localhost"];

    private readonly X509Certificate2 _root;

    /// <summary>A new authority.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="days">How long it is valid, and the longest that what it issues can be.</param>
    public CertificateAuthority(string name, int days = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(days));
    }

    private CertificateAuthority(X509Certificate2 root) => _root = root;

    /// <summary>The authority's certificate as PEM.</summary>
    public string RootPem => _root.ExportCertificatePem();

    /// <summary>The authority's private key as PEM.</summary>
    public string KeyPem => _root.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    /// <summary>An authority of files that were written before.</summary>
    /// <exception cref="UserErrorException">They cannot be read, or are no authority's.</exception>
    public static CertificateAuthority Open(string certificate, string key)
    {
        try
        {
            var root = X509Certificate2.CreateFromPemFile(certificate, key);
            return root.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority)
                ? new CertificateAuthority(root)
                : throw new CryptographicException("the certificate may not issue others");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{certificate} and {key} are no usable authority: {e.Message}. Give another folder, or move both files away to begin with a new authority.", e);
        }
    }

    /// <summary>Issues a certificate.</summary>
    /// <param name="order">What it is to say.</param>
    /// <param name="days">How long it is valid; not longer than the authority.</param>
    /// <returns>Certificate and private key as PEM.</returns>
    public (string Certificate, string Key) Issue(CertificateOrder order, int days = 1) => Issue(order, [ServerUse, ClientUse], days);

    /// <summary>Issues a certificate for both ends of a connection on this machine, or for the connecting end only.</summary>
    public (string Certificate, string Key) Issue(string name, bool forServers = true) =>
        Issue(new CertificateOrder(name, null, ThisMachine, []), forServers ? [ServerUse, ClientUse] : [ClientUse], days: 1);

    /// <summary>An identity that this authority vouches for.</summary>
    public TlsIdentity Identity(string name, bool forServers = true) => Identity(Issue(name, forServers));

    /// <summary>An identity of a certificate that this authority issued.</summary>
    public TlsIdentity Identity((string Certificate, string Key) issued)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(RootPem);
        return new TlsIdentity(TlsIdentity.WithKey(issued.Certificate, issued.Key), authorities);
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    private (string Certificate, string Key) Issue(CertificateOrder order, string[] uses, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(order), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. uses.Select(use => new Oid(use))], critical: false));
        request.CertificateExtensions.Add(Names(order));
        var end = new[] { (DateTimeOffset)_root.NotAfter, DateTimeOffset.UtcNow.AddDays(days) }.Min();
        using var issued = request.Create(_root, _root.NotBefore, end, RandomNumberGenerator.GetBytes(16));
        return (issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static X500DistinguishedName Subject(CertificateOrder order)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(order.Name);
        if (order.Role is { } role)
        {
            subject.AddOrganizationalUnitName(role);
        }

        return subject.Build();
    }

    private static X509Extension Names(CertificateOrder order)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in order.Hosts)
        {
            if (IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }

        foreach (var device in order.Devices)
        {
            names.AddUri(NodeCertificate.NameOf(device));
        }

        return names.Build();
    }
}
