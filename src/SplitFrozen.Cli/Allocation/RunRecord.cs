using System.Text.Json;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Allocation;

/// <summary>A finished run as its folder tells of it.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Settings">Its configuration.</param>
/// <param name="Summary">Its summary.</param>
internal sealed record RunRecord(string Folder, Settings Settings, RunSummary Summary)
{
    /// <summary>The file with its configuration.</summary>
    public string Configuration => Path.Combine(Folder, RunFolder.ConfigurationFile);

    /// <summary>Its events.</summary>
    public string Metrics => Path.Combine(Folder, "metrics.jsonl");

    /// <summary>Reads a run's folder.</summary>
    /// <exception cref="UserErrorException">It is none, or the run did not finish.</exception>
    public static RunRecord Read(string folder)
    {
        var full = Path.GetFullPath(folder);
        var configuration = Path.Combine(full, RunFolder.ConfigurationFile);
        if (!File.Exists(configuration))
        {
            throw new UserErrorException($"{full} is not a run's folder: it has no {RunFolder.ConfigurationFile}. Name a folder that `splitfrozen train` made.");
        }

        var file = Path.Combine(full, "summary.json");
        if (!File.Exists(file))
        {
            throw new UserErrorException($"{full} has no summary.json: the run did not end in order. Name the folder of a run that did.");
        }

        try
        {
            var summary = JsonSerializer.Deserialize<RunSummary>(File.ReadAllText(file), RunJson.Indented);
            return summary?.Devices is not null && summary.StageSeconds is not null
                ? new RunRecord(full, SettingsReader.Read(SettingsReader.Load([configuration], [])), summary)
                : throw new UserErrorException($"{file} does not list devices and stages; it is not a summary that `splitfrozen train` wrote.");
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{file} is damaged: {e.Message} Name the folder of another run.", e);
        }
    }
}
