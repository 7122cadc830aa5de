using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Logging;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Commands;

/// <summary>Runs a training and keeps its folder: <c>train</c> and <c>server</c>.</summary>
internal static class TrainingCommand
{
    /// <param name="environment">What to work with.</param>
    /// <param name="load">Reads the configuration.</param>
    /// <param name="open">Opens the run; nothing is written before it has.</param>
    public static async Task<ExitCode> RunAsync(CliEnvironment environment, Func<Config> load, Func<Settings, ITrainingRun> open)
    {
        var hocon = load();
        var settings = SettingsReader.Read(hocon);
        var run = open(settings);
        var start = new RunStart(SettingsReader.Render(hocon), Versions.Current(environment.Composition.ProbeNativeLibrary()), run.Partition, run.Identity);
        using var folder = RunFolder.Create(settings.Run, settings.Training.Method, environment.Time.GetLocalNow(), start, LeaseOf(environment, settings));
        return await RunAsync(environment, new Begun(settings, run, hocon, folder, Resumes: false)).ConfigureAwait(false);
    }

    /// <summary>Goes on with a run that was stopped or cut off: <c>train --resume</c> and <c>server --resume</c>.</summary>
    /// <param name="environment">What to work with.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="load">Reads the configuration, given the run's own.</param>
    /// <param name="open">Opens the run; nothing is written before it has.</param>
    public static async Task<ExitCode> ResumeAsync(CliEnvironment environment, string folder, Func<string, Config> load, Func<Settings, ITrainingRun> open)
    {
        var resumed = EarlierRun.ToResume(folder);
        var hocon = load(resumed.Configuration);
        var settings = SettingsReader.Read(hocon);
        var run = resumed.Open(environment, hocon, settings, open);
        using var reopened = RunFolder.Reopen(
            resumed.Folder, SettingsReader.Render(hocon), LeaseOf(environment, settings, isLeased: Directory.Exists(new RunPaths(resumed.Folder).Lease)));
        return await RunAsync(environment, new Begun(settings, run, hocon, reopened, Resumes: true)).ConfigureAwait(false);
    }

    /// <summary>Trains in the order that another run has recorded, with its configuration, to the same bytes: <c>train --replay</c> and <c>server --replay</c>.</summary>
    /// <param name="environment">What to work with.</param>
    /// <param name="folder">The other run's folder.</param>
    /// <param name="load">Reads the configuration, given the other run's own and what the replay sets in it.</param>
    /// <param name="open">Opens the run; nothing is written before it has.</param>
    public static async Task<ExitCode> ReplayAsync(
        CliEnvironment environment, string folder, Func<string, IReadOnlyList<string>, Config> load, Func<Settings, ITrainingRun> open)
    {
        var recorded = EarlierRun.ToReplay(folder);
        var hocon = load(recorded.Configuration, EarlierRun.ReplaySettings(recorded.Folder));
        recorded.CheckConfiguration(hocon, SettingsReader.Read(hocon), Versions.Current(environment.Composition.ProbeNativeLibrary()));
        return await RunAsync(environment, () => hocon, settings =>
        {
            var run = open(settings);
            recorded.CheckIdentity(run.Identity, settings);
            return run;
        }).ConfigureAwait(false);
    }

    /// <summary>Runs what is opened to its end.</summary>
    public static async Task<ExitCode> RunAsync(CliEnvironment environment, Begun begun)
    {
        var folder = begun.Folder;
        using var log = begun.Log ?? RunLog.ToFile(folder.Log, environment.Time);
        try
        {
            var summary = await ObserveAsync(environment, begun, RunLogger.Bind(begun.Hocon, log)).ConfigureAwait(false);
            summary = WithAnswers(environment, begun.Settings, summary, folder.Paths);
            folder.Write(summary, SummaryView.Text(summary, folder.Paths.Folder));
            folder.Lease?.Release();
            SummaryView.Show(environment.Out, summary, folder.Paths.Folder);
            return summary.Completed ? ExitCode.Done : ExitCode.Stopped;
        }
        catch (Exception e)
        {
            var code = Failures.Report(environment.Error, e, log);
            if (Failures.IsDecided(e))
            {
                folder.Lease?.Release();
            }

            if (!begun.Resumes && code is ExitCode.BadInput or ExitCode.NotStarted)
            {
                folder.Discard();
            }
            else
            {
                environment.Error.MarkupLineInterpolated($"[grey]The run's folder is {folder.Paths.Folder}[/]");
            }

            return code;
        }
    }

    /// <summary>Makes the lease of a folder where a standby server may take over, or might have before.</summary>
    private static Func<RunPaths, RunLease>? LeaseOf(CliEnvironment environment, Settings settings, bool isLeased = false) =>
        settings.Cluster.Standby || isLeased ? paths => StandbyCommand.NewLease(paths, settings, environment.Time) : null;

    /// <summary>Adds the exact match of generated answers where the setting asks for it.</summary>
    private static RunSummary WithAnswers(CliEnvironment environment, Settings settings, RunSummary summary, RunPaths paths)
    {
        if (!settings.Evaluation.ExactMatchAfterTraining || !summary.Completed || summary.AdapterSha256 is null)
        {
            return summary;
        }

        var score = environment.Composition.ScoreAnswers(
            settings, paths.Adapter, text => environment.Error.MarkupLineInterpolated($"[grey]{text}[/]"), environment.Stop.Token);
        return summary with { ExactMatch = score?.Share, ExactMatchRows = score?.Rows };
    }

    private static async Task<RunSummary> ObserveAsync(CliEnvironment environment, Begun begun, Config akka)
    {
        var folder = begun.Folder;
        var wanted = begun.Settings.Run;
        var console = new ConsoleRunObserver(environment.Out, environment.Time);
        using var metrics = new MetricsWriter(folder.Metrics, environment.Time, begun.Resumes, console.Warn);
        using var board = wanted.TensorBoard ? new TensorBoardWriter(folder.TensorBoard, environment.Time, console.Warn) : null;
        await using (console.ConfigureAwait(false))
        {
            var stop = environment.Stop.Token;
            using var announcement = stop.Register(() => console.Announce("finishing the batch at hand and writing a checkpoint. Press Ctrl-C again to stop at once."));
            var host = new RunHost(folder.Paths, new ObserverGroup([console, metrics, .. board is null ? (IRunObserver[])[] : [board]]), akka, stop)
            {
                Resumes = begun.Resumes,
                Trace = wanted.Trace ? new RunTrace() : null,
                Lease = folder.Lease,
                Node = begun.Node,
            };
            try
            {
                return await begun.Run.RunAsync(host).ConfigureAwait(false);
            }
            finally
            {
                // Of a run that failed above all: who waited for whom is in it.
                if (host.Trace is { } trace && folder.IsOurs)
                {
                    TraceFiles.Write(folder.Paths.Folder, trace);
                }
            }
        }
    }
}
