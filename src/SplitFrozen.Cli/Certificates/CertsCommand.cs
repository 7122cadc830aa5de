using System.CommandLine;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;
using SplitFrozen.Protocol;

using Spectre.Console;

namespace SplitFrozen.Cli.Certificates;

/// <summary>Certificates of nodes, issued by an authority of one's own: <c>certs new</c>.</summary>
internal static class CertsCommand
{
    private const int LongestName = 64;

    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var command = new Command("certs", "Make certificates for splitfrozen.security.tls.");
        command.Subcommands.Add(New(environment));
        return command;
    }

    private static Command New(CliEnvironment environment)
    {
        var name = new Argument<string>("NODE") { Description = "Name of the node; its files are NODE.pem and NODE.key" };
        var folder = new Option<string>("--out") { Description = "Folder; its authority (ca.pem, ca.key) is used, or made where there is none", HelpName = "DIR", Required = true };
        var role = new Option<string?>("--role") { Description = "server or device: what the node may be (default: both)", HelpName = "ROLE" };
        var hosts = new Option<string[]>("--host") { Description = "A name or address under which it is reached; may be repeated (default: this machine's loopback)", HelpName = "HOST" };
        var devices = new Option<string[]>("--device-id") { Description = "A device whose activations it may send; may be repeated (default: any)", HelpName = "ID" };
        var days = new Option<int>("--days") { Description = "How long it is valid, 1 to 3650", HelpName = "N", DefaultValueFactory = _ => 90 };
        var command = new Command("new", "Make a development authority, if there is none yet, and a node's certificate and key.") { name, folder, role, hosts, devices, days };
        command.SetAction((line, _) => Task.FromResult((int)Run(
            environment,
            Order(line.GetValue(name)!, line.GetValue(role), line.GetValue(hosts) ?? [], line.GetValue(devices) ?? []),
            Path.GetFullPath(line.GetValue(folder)!), line.GetValue(days))));
        return command;
    }

    private static CertificateOrder Order(string name, string? role, string[] hosts, string[] devices)
    {
        if (name.Length is 0 or > LongestName || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) || name is "ca" or "." or "..")
        {
            throw new UserErrorException($"'{name}' cannot name a certificate's files: use up to {LongestName} letters, digits, dots, dashes and underscores, and not ca, which is the authority's.");
        }

        if (role is not (null or NodeCertificate.Server or NodeCertificate.Device))
        {
            throw new UserErrorException($"--role {role} is no role; give {NodeCertificate.Server} or {NodeCertificate.Device}, or leave it away for both.");
        }

        if (hosts.FirstOrDefault(host => Uri.CheckHostName(host) == UriHostNameType.Unknown) is { } wrong)
        {
            throw new UserErrorException($"--host {wrong} is neither a host's name nor an address.");
        }

        return new CertificateOrder(name, role, hosts.Length > 0 ? hosts : ["127.0.0.1", "::1", "localhost"], [.. devices.Select(Device)]);
    }

    private static DeviceId Device(string id) => new DeviceId(id) is { IsValid: true } device
        ? device
        : throw new UserErrorException($"--device-id {id} is no device's id: 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit.");

    private static ExitCode Run(CliEnvironment environment, CertificateOrder order, string folder, int days)
    {
        if (days is < 1 or > 3650)
        {
            throw new UserErrorException($"--days {days} is outside 1 to 3650.");
        }

        var files = new CertificateFolder(folder);
        var (certificate, key) = files.Issue(order, days);
        environment.Out.MarkupLineInterpolated($"[green]Issued[/] {certificate}");
        environment.Out.Profile.Out.Writer.WriteLine(
            FormattableString.Invariant($"""
            splitfrozen.security.tls {"{"}
              enabled = on
              certificate = "{certificate}"
              key = "{key}"
              ca = "{files.Authority}"
            {"}"}
            """));
        return ExitCode.Done;
    }
}
