using System.Text.Json;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Files;

namespace SplitFrozen.Cli.Experiments;

/// <summary>An experiment's folder: its configuration, a file a finished cell, tables and plots. A cell that is there is not run again.</summary>
internal sealed class ExperimentFolder
{
    private const string ConfigurationFile = "config.conf";
    private const string Cells = "cells";

    /// <summary>Goes up when cells have other columns than before: those of an earlier program are run again.</summary>
    private const int Form = 1;

    private ExperimentFolder(string path) => Path = path;

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Makes the folder, or opens one in which an experiment of the same configuration was begun, or one of another that found nothing.</summary>
    /// <exception cref="UserErrorException">It holds something else, or cannot be made.</exception>
    public static ExperimentFolder Open(string path, string configuration)
    {
        var folder = System.IO.Path.GetFullPath(path);
        var file = System.IO.Path.Combine(folder, ConfigurationFile);
        try
        {
            if (Directory.Exists(folder) && !HoldsNothing(folder))
            {
                return File.Exists(file) && Deciding(File.ReadAllText(file)).SequenceEqual(Deciding(configuration)) ? new ExperimentFolder(folder)
                    : throw new UserErrorException($"{folder} holds something else, or cells of another configuration. Name another folder with --out, or remove this one.");
            }

            Directory.CreateDirectory(System.IO.Path.Combine(folder, Cells));
            AtomicFile.Write(file, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(configuration)));
            return new ExperimentFolder(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The experiment's folder {folder} cannot be made: {e.Message} Choose another place with --out.", e);
        }
    }

    /// <summary>The lines on which cells depend. None makes a run folder, so that where fresh ones would be, below the current directory, says nothing.</summary>
    private static IEnumerable<string> Deciding(string configuration) => configuration.Split('\n').Where(line => !line.TrimStart().StartsWith("root = ", StringComparison.Ordinal));

    /// <summary>Whether a folder is empty, or no more than begun: such is left where the first cell fails, as by a wrong path.</summary>
    private static bool HoldsNothing(string folder) => Directory.EnumerateFileSystemEntries(folder).All(entry => System.IO.Path.GetFileName(entry) switch
    {
        ConfigurationFile => true,
        Cells => Directory.Exists(entry) && !Directory.EnumerateFileSystemEntries(entry).Any(),
        _ => false,
    });

    /// <summary>What a cell found, or null when it was not run, or not with these parameters, or by a program with other columns.</summary>
    public IReadOnlyDictionary<string, double>? Find(ExperimentCell cell)
    {
        var file = FileOf(cell);
        if (!File.Exists(file))
        {
            return null;
        }

        var kept = JsonSerializer.Deserialize<Kept>(File.ReadAllText(file), RunJson.Indented);
        return kept?.Form == Form && kept.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal).SequenceEqual(cell.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal))
            ? kept.Values : null;
    }

    /// <summary>Keeps what a cell found.</summary>
    public void Keep(ExperimentCell cell, IReadOnlyDictionary<string, double> values) => AtomicFile.Write(
        FileOf(cell), stream => JsonSerializer.Serialize(stream, new Kept(Form, new(cell.Parameters), new(values)), RunJson.Indented));

    private string FileOf(ExperimentCell cell) => System.IO.Path.Combine(Path, Cells, cell.Id + ".json");

    private sealed record Kept(int Form, Dictionary<string, string> Parameters, Dictionary<string, double> Values);
}
