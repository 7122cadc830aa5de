using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Security;

/// <summary>
/// What a node's certificate says beside who issued it: the role, as the subject's OU (server or device), and the devices whose activations the node may send, as
/// alternative names of the form <c>urn:splitfrozen:device:ID</c>. A certificate that names no role is good for both, one that names no device for every device.
/// </summary>
internal static class NodeCertificate
{
    /// <summary>OU of server nodes.</summary>
    public const string Server = "server";

    /// <summary>OU of device nodes.</summary>
    public const string Device = "device";

    private const string DevicePrefix = "urn:splitfrozen:device:";
    private const string AlternativeNames = "2.5.29.17";
    private const string OrganizationalUnit = "2.5.4.11";
    private const int UriTag = 6;

    /// <summary>The alternative name that binds a device to a certificate.</summary>
    public static Uri NameOf(DeviceId device) => new(DevicePrefix + device.Value);

    /// <summary>Whether the certificate may speak in this role.</summary>
    public static bool MayBe(X509Certificate2 certificate, string role)
    {
        var units = certificate.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(name => !name.HasMultipleElements && name.GetSingleElementType().Value == OrganizationalUnit)
            .Select(name => name.GetSingleElementValue())
            .ToList();
        return units.Count == 0 || units.Contains(role, StringComparer.Ordinal);
    }

    /// <summary>Whether the certificate may send this device's activations.</summary>
    public static bool MayBe(X509Certificate2 certificate, DeviceId device)
    {
        var names = Uris(certificate).Where(uri => uri.StartsWith(DevicePrefix, StringComparison.Ordinal)).ToList();
        return names.Count == 0 || names.Contains(DevicePrefix + device.Value, StringComparer.Ordinal);
    }

    /// <summary>The framework reads addresses and host names of this extension, but no URIs (RFC 5280, 4.2.1.6).</summary>
    private static IEnumerable<string> Uris(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions.Where(e => e.Oid?.Value == AlternativeNames))
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                var tag = names.PeekTag();
                if (tag.TagValue == UriTag)
                {
                    yield return names.ReadCharacterString(UniversalTagNumber.IA5String, tag);
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }
    }
}
