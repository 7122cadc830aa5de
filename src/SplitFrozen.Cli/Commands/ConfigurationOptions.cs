using System.CommandLine;
using System.Globalization;

using Akka.Configuration;

using SplitFrozen.Actors.Configuration;

namespace SplitFrozen.Cli.Commands;

/// <summary>The options by which commands are configured: a file, settings, and short forms of the settings that people change most.</summary>
internal sealed class ConfigurationOptions
{
    private readonly string _defaultFile;

    private readonly Option<string?> _config;

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "A setting, such as splitfrozen.training.epochs=3; may be given many times. splitfrozen.conf explains all keys.",
        HelpName = "KEY=VALUE",
        DefaultValueFactory = _ => [],
    };

    private readonly List<(Option<string?> Option, string Key)> _shortForms = [];

    /// <summary>The options every configured command has.</summary>
    /// <param name="command">Which command.</param>
    /// <param name="defaultFile">The shipped file read when none is named.</param>
    public ConfigurationOptions(Command command, string defaultFile)
    {
        _defaultFile = defaultFile;
        _config = new Option<string?>("--config") { Description = $"Configuration file (default: hocon/{defaultFile})", HelpName = "FILE" };
        command.Options.Add(_config);
        command.Options.Add(_set);
        Add(command, "--model", "PATH", "splitfrozen.model.path", "Model folder, or a GGUF file");
        Add(command, "--data", "DIR", "splitfrozen.data.path", "Data folder");
    }

    /// <summary>Adds the short form of a setting.</summary>
    public ConfigurationOptions Add(Command command, string name, string value, string key, string description)
    {
        var option = new Option<string?>(name) { Description = $"{description} ({key})", HelpName = value };
        command.Options.Add(option);
        _shortForms.Add((option, key));
        return this;
    }

    /// <summary>Whether a command line names a configuration file.</summary>
    public bool NamesFile(ParseResult line) => line.GetValue(_config) is not null;

    /// <summary>Reads the configuration that a command line names.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="ofCommand">Settings that the command makes itself: over the file, under what the command line sets.</param>
    /// <exception cref="Domain.UserErrorException">A file or setting is not usable.</exception>
    public Config Load(ParseResult line, params IReadOnlyList<string> ofCommand) =>
        Load(line, [line.GetValue(_config) ?? BundledAssets.Configuration(_defaultFile)], ofCommand);

    /// <summary>Reads the configuration of a run that is resumed or replayed, and what a command line changes of it.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="run">The run's own configuration file.</param>
    /// <param name="ofCommand">Settings that the command makes itself: over the files, under what the command line sets.</param>
    /// <exception cref="Domain.UserErrorException">A file or setting is not usable.</exception>
    public Config LoadOver(ParseResult line, string run, params IReadOnlyList<string> ofCommand) =>
        Load(line, line.GetValue(_config) is { } file ? [run, file] : [run], ofCommand);

    private Config Load(ParseResult line, string[] files, IReadOnlyList<string> ofCommand)
    {
        var shortForms = _shortForms.Select(s => (s.Key, Value: line.GetValue(s.Option))).Where(s => s.Value is not null)
            .Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key}={s.Value}"));
        return SettingsReader.Load(files, [.. ofCommand, .. line.GetValue(_set)!, .. shortForms]);
    }
}
