using System.Globalization;
using System.Text.Json;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Files;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>A run's folder and the files in it that the program itself writes.</summary>
internal sealed class RunFolder : IDisposable
{
    /// <summary>The resolved configuration.</summary>
    public const string ConfigurationFile = "config.conf";

    /// <summary>What the run came to.</summary>
    public const string SummaryFile = "summary.json";

    private const string TextFile = "summary.txt";

    private readonly FileStream _lock;

    private RunFolder(string folder)
    {
        Paths = new RunPaths(folder);
        _lock = RunLock.Take(folder);
    }

    /// <summary>Where the run writes.</summary>
    public RunPaths Paths { get; }

    /// <summary>The program's log.</summary>
    public string Log => Path.Combine(Paths.Folder, "run.log");

    /// <summary>Event files for TensorBoard.</summary>
    public string TensorBoard => Path.Combine(Paths.Folder, "tensorboard");

    /// <summary>The run's events, a JSON object a line.</summary>
    public string Metrics => Path.Combine(Paths.Folder, "metrics.jsonl");

    /// <summary>
    /// Makes the folder with its first files. It is filled under another name and renamed, so that it appears whole, and so that of two runs
    /// which start in the same second each gets a folder of its own.
    /// </summary>
    /// <param name="run">Where: an explicit folder, which must not exist, or a fresh one.</param>
    /// <param name="method">Part of a fresh folder's name.</param>
    /// <param name="now">Time of the start, as the user's clock shows it.</param>
    /// <param name="start">The first files' contents.</param>
    /// <exception cref="UserErrorException">The folder exists, or cannot be made.</exception>
    public static RunFolder Create(RunSettings run, string method, DateTimeOffset now, RunStart start)
    {
        var name = now.ToString("yyyy-MM-ddTHH-mm-ss", CultureInfo.InvariantCulture) + "-" + method;
        var wanted = run.Path ?? Path.Combine(run.Root, name);
        try
        {
            var parent = Path.GetDirectoryName(wanted) ?? throw new UserErrorException($"The run folder {wanted} is the root of a drive. Name a folder below it (--run).");
            Directory.CreateDirectory(parent);
            var draft = Path.Combine(parent, "." + Path.GetRandomFileName());
            Directory.CreateDirectory(draft);
            try
            {
                start.Write(draft);
                return new RunFolder(Claim(draft, wanted, isFresh: run.Path is null));
            }
            catch
            {
                Directory.Delete(draft, recursive: true);
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The run folder {wanted} cannot be made: {e.Message} Choose another place with --run or splitfrozen.run.root.", e);
        }
    }

    /// <summary>Opens the folder of a run that is resumed. The configuration takes the place of the one before; a summary of the part before goes.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="configuration">The resolved configuration, as HOCON.</param>
    /// <exception cref="UserErrorException">Another process writes to it.</exception>
    public static RunFolder Reopen(string folder, string configuration)
    {
        var run = new RunFolder(folder);
        AtomicFile.Write(Path.Combine(folder, ConfigurationFile), configuration);
        File.Delete(Path.Combine(folder, SummaryFile));
        File.Delete(Path.Combine(folder, TextFile));
        return run;
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    /// <summary>Writes summary.txt and summary.json.</summary>
    public void Write(RunSummary summary, string text)
    {
        AtomicFile.Write(Path.Combine(Paths.Folder, TextFile), text);
        AtomicFile.Write(Path.Combine(Paths.Folder, SummaryFile), JsonSerializer.Serialize(summary, RunJson.Indented) + Environment.NewLine);
    }

    /// <summary>Removes the folder of a run that never started.</summary>
    public void Discard() => Directory.Delete(Paths.Folder, recursive: true);

    /// <summary>Gives the draft its name. Renaming onto a folder that is not empty fails, whoever made it and however recently.</summary>
    private static string Claim(string draft, string wanted, bool isFresh)
    {
        for (var attempt = 1; ; attempt++)
        {
            var folder = attempt == 1 ? wanted : string.Create(CultureInfo.InvariantCulture, $"{wanted}-{attempt}");
            try
            {
                Directory.Move(draft, folder);
                return folder;
            }
            catch (IOException) when (Path.Exists(folder))
            {
                if (!isFresh)
                {
                    throw new UserErrorException($"The run folder {folder} exists. Name one that does not, remove it, or leave --run away for a fresh one.");
                }
            }
        }
    }
}
