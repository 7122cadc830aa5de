using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

using Akka.Event;
using Akka.Remote.Transport.DotNetty;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Security;

/// <summary>
/// A node's certificate and the authority whose certificates it trusts. Both ends of a connection prove themselves. A certificate is trusted when that
/// authority issued it for the use at hand (extended key usage serverAuth or clientAuth, where it names any) and for the role at hand (<see
/// cref="NodeCertificate"/>); the connecting end also compares the host's name or address, unless that is switched off.
/// </summary>
public sealed class TlsIdentity : IDisposable
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2Collection _authorities;
    private readonly SslStreamCertificateContext _context;
    private readonly X509Certificate2 _certificate;
    private readonly bool _verifyHost;

    /// <summary>An identity of certificates that are in memory.</summary>
    /// <param name="certificate">The node's certificate with its private key.</param>
    /// <param name="authorities">Certificates of the trusted authority.</param>
    /// <param name="verifyHost">Whether the connecting end compares the certificate's names with the host it connects to.</param>
    public TlsIdentity(X509Certificate2 certificate, X509Certificate2Collection authorities, bool verifyHost = true)
    {
        (_certificate, _authorities, _verifyHost) = (certificate, authorities, verifyHost);
        _context = SslStreamCertificateContext.Create(certificate, authorities, offline: true);
    }

    /// <summary>Loads the PEM files of the settings.</summary>
    /// <returns>null when TLS is off.</returns>
    /// <exception cref="UserErrorException">A file cannot be read or holds something else.</exception>
    public static TlsIdentity? Load(TlsSettings settings)
    {
        if (!settings.Enabled)
        {
            return null;
        }

        var certificate = Read(
            "certificate and key", $"{settings.Certificate} and {settings.Key}",
            () => WithKey(File.ReadAllText(settings.Certificate!), File.ReadAllText(settings.Key!)));
        var authorities = Read("ca", settings.Authority!, () =>
        {
            var collection = new X509Certificate2Collection();
            collection.ImportFromPemFile(settings.Authority!);
            return collection.Count > 0 ? collection : throw new CryptographicException("it holds no certificate");
        });
        return new TlsIdentity(certificate, authorities, settings.VerifyHost);
    }

    /// <summary>Secures the accepted end of a connection, with blocking calls.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="peerRole">What the peer must be: <see cref="NodeCertificate.Server"/>, <see cref="NodeCertificate.Device"/>, or null for any.</param>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The peer is not trusted.</exception>
    public SslStream AsServer(Stream stream, string? peerRole) => Secured(stream, secured => secured.AuthenticateAsServer(new SslServerAuthenticationOptions
    {
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        CertificateChainPolicy = Policy(new Oid(ClientUse)),
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => IsTrusted(certificate, errors, peerRole),
        AllowTlsResume = false,
    }));

    /// <summary>Secures the connecting end of a connection to a server node, with blocking calls.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="host">The host it was opened to.</param>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The peer is not trusted.</exception>
    public SslStream AsClient(Stream stream, string host) => Secured(stream, secured => secured.AuthenticateAsClient(new SslClientAuthenticationOptions
    {
        TargetHost = host,
        ClientCertificateContext = _context,
        CertificateChainPolicy = Policy(new Oid(ServerUse)),
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => IsTrusted(certificate, errors, NodeCertificate.Server),
        AllowTlsResume = false,
    }));

    /// <summary>
    /// The same for Akka.Remote, where nodes of both roles accept and connect: the authority must have issued the peer's certificate for a node, and the host is compared
    /// where a name or address is known. Which role a node may have in the cluster is looked at when it joins (<see cref="RoleGuardActor"/>).
    /// </summary>
    internal DotNettySslSetup ForRemoting() => new(
        _certificate, suppressValidation: false, requireMutualAuthentication: true, validateCertificateHostname: _verifyHost,
        (certificate, _, peer, errors, log) =>
        {
            var isTrusted = certificate is not null && IsOfAuthority(certificate)
                && (NodeCertificate.MayBe(certificate, NodeCertificate.Server) || NodeCertificate.MayBe(certificate, NodeCertificate.Device))
                && !(_verifyHost && errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch));
            if (!isTrusted)
            {
                log.Warning(
                    "The control plane refused {0}: its certificate ({1}) is not of the authority of splitfrozen.security.tls.ca, has another role than a node's, or does not name the host.", peer, certificate?.Subject ?? "none");
            }

            return isTrusted;
        });

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();

    /// <summary>A handshake that fails leaves nothing open: peers without a certificate may try as often as they like.</summary>
    private static SslStream Secured(Stream stream, Action<SslStream> authenticate)
    {
        var secured = new SslStream(stream, leaveInnerStreamOpen: false);
        try
        {
            authenticate(secured);
            return secured;
        }
        catch
        {
            secured.Dispose();
            throw;
        }
    }

    /// <summary>A certificate with its key, both PEM.</summary>
    /// <exception cref="CryptographicException">They are not, or do not belong together.</exception>
    internal static X509Certificate2 WithKey(string certificate, string key)
    {
        // Through PKCS#12, since some platforms cannot use keys that were never in a store.
        using var pem = X509Certificate2.CreateFromPem(certificate, key);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    private bool IsTrusted(X509Certificate? certificate, SslPolicyErrors errors, string? role)
    {
        var forgiven = _verifyHost ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateNameMismatch;
        return certificate is X509Certificate2 known && (errors & ~forgiven) == SslPolicyErrors.None && (role is null || NodeCertificate.MayBe(known, role));
    }

    private bool IsOfAuthority(X509Certificate2 certificate)
    {
        using var chain = new X509Chain { ChainPolicy = Policy() };
        return chain.Build(certificate);
    }

    private X509ChainPolicy Policy(params Oid[] uses)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(_authorities);
        foreach (var use in uses)
        {
            policy.ApplicationPolicy.Add(use);
        }

        return policy;
    }

    private static T Read<T>(string key, string files, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"splitfrozen.security.tls: {key} ({files}) cannot be used: {e.Message}. Give PEM files: the node's certificate, its private key, and the authority that issued both ends' certificates.", e);
        }
    }
}
