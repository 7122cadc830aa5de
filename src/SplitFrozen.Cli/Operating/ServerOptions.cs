using System.CommandLine;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Control;

namespace SplitFrozen.Cli.Operating;

/// <summary>The options by which commands reach a running cluster.</summary>
internal sealed class ServerOptions
{
    private readonly Option<string?> _server = new("--server")
    {
        Description = "Control endpoint of the server (default: the one run of yours on this machine)",
        HelpName = "HOST:PORT",
    };

    private readonly Option<string?> _config = new("--config") { Description = "Configuration file with the certificates, where the run has TLS on", HelpName = "FILE" };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "A setting, such as splitfrozen.security.tls.enabled=on; may be given many times",
        HelpName = "KEY=VALUE",
        DefaultValueFactory = _ => [],
    };

    /// <summary>Adds the options to a command.</summary>
    public ServerOptions(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_config);
        command.Options.Add(_set);
    }

    /// <summary>Finds the server that a command line means.</summary>
    /// <exception cref="Domain.UserErrorException">There is none.</exception>
    public ControlClient Find(ParseResult line)
    {
        var file = line.GetValue(_config);
        var settings = SettingsReader.Read(SettingsReader.Load(file is null ? [] : [file], line.GetValue(_set)!));
        return ControlClient.Find(line.GetValue(_server), settings.Security.Tls);
    }
}
