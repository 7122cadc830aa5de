using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Logging;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Commands;

/// <summary>Stands by for the server of a run, and goes on with the run when that is lost: <c>server --standby</c>.</summary>
internal static class StandbyCommand
{
    /// <summary>What the command line need not say.</summary>
    public const string Setting = "splitfrozen.cluster.standby=on";

    /// <param name="environment">What to work with.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="load">Reads the configuration, given the run's own.</param>
    public static async Task<ExitCode> RunAsync(CliEnvironment environment, string folder, Func<string, Config> load)
    {
        var resumed = EarlierRun.ToResume(folder);
        resumed.CheckStandby();
        var hocon = load(resumed.Configuration);
        var settings = SettingsReader.Read(hocon);
        var run = resumed.Open(environment, hocon, settings, environment.Composition.OpenServer);
        using var log = RunLog.ToFile(LogOf(resumed.Folder, settings.Cluster), environment.Time);
        using var lease = NewLease(new RunPaths(resumed.Folder), settings, environment.Time);
        environment.Out.MarkupLineInterpolated($"[grey]Stands by for the server of the run in {resumed.Folder} ({string.Join(", ", settings.Cluster.SeedNodes)}); the log is {log.Name}[/]");
        var node = await ServerStandby.WaitAsync(settings, lease, RunLogger.Bind(hocon, log), environment.Stop.Token).ConfigureAwait(false);
        if (node is null)
        {
            environment.Out.MarkupLine(environment.Stop.Token.IsCancellationRequested ? "[yellow]Left the run.[/]" : "[green]The run's server has ended in order: there is nothing to take over.[/]");
            return environment.Stop.Token.IsCancellationRequested ? ExitCode.Stopped : ExitCode.Done;
        }

        await using (node.ConfigureAwait(false))
        {
            environment.Out.MarkupLineInterpolated($"[yellow]The run's server was lost. This one takes over, at {node.Address.Host}:{node.Address.Port}.[/]");
            using var taken = RunFolder.TakeOver(resumed.Folder, lease);
            return await TrainingCommand.RunAsync(environment, new Begun(settings, run, hocon, taken, Resumes: true) { Node = node, Log = log }).ConfigureAwait(false);
        }
    }

    /// <summary>Makes the lease of a run's folder.</summary>
    public static RunLease NewLease(RunPaths paths, Settings settings, TimeProvider time) =>
        new(paths, $"process {Environment.ProcessId} on {Environment.MachineName}", settings.Server.Lease, time);

    /// <summary>A log of its own: the active server writes to the run's.</summary>
    private static string LogOf(string folder, ClusterSettings cluster) =>
        Path.Combine(folder, $"standby-{cluster.Host.Replace(':', '-')}-{cluster.Port}.log");
}
