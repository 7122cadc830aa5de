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

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly FileStream? _lock;

    private RunFolder(string folder, RunLease? lease)
    {
        (Paths, Lease) = (new RunPaths(folder), lease);
        if (lease is null)
        {
            _lock = RunLock.Take(folder);
        }
        else
        {
            Take(lease);
        }
    }

    /// <summary>The right to write, where a standby server may take over; else null, and a lock keeps other processes out.</summary>
    public RunLease? Lease { get; }

    /// <summary>Whether this process may still write.</summary>
    public bool IsOurs => Lease?.IsHeld ?? true;

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
    /// <param name="lease">Makes the folder's lease, where a standby server may take over.</param>
    /// <exception cref="UserErrorException">The folder exists, or cannot be made.</exception>
    public static RunFolder Create(RunSettings run, string method, DateTimeOffset now, RunStart start, Func<RunPaths, RunLease>? lease = null)
    {
        var name = now.ToString("yyyy-MM-ddTHH-mm-ss", CultureInfo.InvariantCulture) + "-" + method;
        var wanted = run.Path ?? Path.Combine(run.Root, name);
        try
        {
            var parent = Path.GetDirectoryName(wanted) ?? throw new UserErrorException($"The run folder {wanted} is the root of a drive. Name a folder below it (--run).");
            Directory.CreateDirectory(parent);
            var draft = Path.Combine(parent, "." + Path.GetRandomFileName());
            Directory.CreateDirectory(draft);
            string folder;
            try
            {
                start.Write(draft);
                folder = Claim(draft, wanted, isFresh: run.Path is null);
            }
            catch
            {
                Directory.Delete(draft, recursive: true);
                throw;
            }

            return new RunFolder(folder, lease?.Invoke(new RunPaths(folder)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The run folder {wanted} cannot be made: {e.Message} Choose another place with --run or splitfrozen.run.root.", e);
        }
    }

    /// <summary>Opens the folder of a run that is resumed. The configuration takes the place of the one before; a summary of the part before goes.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="configuration">The resolved configuration, as HOCON.</param>
    /// <param name="lease">Makes the folder's lease; called where a standby server may take over, or might have in an earlier life of the run.</param>
    /// <exception cref="UserErrorException">Another process writes to it.</exception>
    public static RunFolder Reopen(string folder, string configuration, Func<RunPaths, RunLease>? lease = null)
    {
        var run = new RunFolder(folder, lease?.Invoke(new RunPaths(folder)));
        AtomicFile.Write(Path.Combine(folder, ConfigurationFile), configuration);
        run.DropSummary();
        return run;
    }

    /// <summary>Opens the folder of a run that a standby server takes over. Its configuration stays that of the server before, whose addresses are in it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="lease">The lease, which this process has.</param>
    public static RunFolder TakeOver(string folder, RunLease lease)
    {
        var run = new RunFolder(folder, lease);
        run.DropSummary();
        return run;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock?.Dispose();
        Lease?.Dispose();
    }

    /// <summary>Writes summary.txt and summary.json.</summary>
    /// <exception cref="RunFailedException">Another server has taken over.</exception>
    public void Write(RunSummary summary, string text)
    {
        Lease?.Require();
        AtomicFile.Write(Path.Combine(Paths.Folder, TextFile), text);
        AtomicFile.Write(Path.Combine(Paths.Folder, SummaryFile), JsonSerializer.Serialize(summary, RunJson.Indented) + Environment.NewLine);
    }

    /// <summary>Removes the folder of a run that never started.</summary>
    public void Discard()
    {
        if (IsOurs)
        {
            Directory.Delete(Paths.Folder, recursive: true);
        }
    }

    /// <summary>A summary of the part of the run before is none of the whole.</summary>
    private void DropSummary()
    {
        File.Delete(Path.Combine(Paths.Folder, SummaryFile));
        File.Delete(Path.Combine(Paths.Folder, TextFile));
    }

    /// <summary>Takes the lease as soon as it is known that nobody has it: of a holder that was killed, when it runs out.</summary>
    private static void Take(RunLease lease)
    {
        var first = lease.Look();
        while (!lease.TryTake())
        {
            if (lease.Look() is { State: LeaseState.Held } view && view.IsNewerThan(first))
            {
                throw new UserErrorException($"The run is being written by another server, {view.Holder}, which renews its lease. End that one first, or start this one as its standby (`splitfrozen server --standby RUN`).");
            }

            Thread.Sleep(LookInterval);
        }
    }

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
