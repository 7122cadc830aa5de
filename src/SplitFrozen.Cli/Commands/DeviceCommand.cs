using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Logging;

using Spectre.Console;

namespace SplitFrozen.Cli.Commands;

/// <summary>Hosts a device until the run is over: <c>device</c>.</summary>
internal static class DeviceCommand
{
    /// <param name="environment">What to work with.</param>
    /// <param name="load">Reads the configuration.</param>
    public static async Task<ExitCode> RunAsync(CliEnvironment environment, Func<Config> load)
    {
        var hocon = load();
        var settings = SettingsReader.Read(hocon);
        using var log = RunLog.ToTerminal(environment.Out.Profile.Out.Writer, environment.Time);
        var stop = environment.Stop.Token;
        log.Write("INFO", nameof(DeviceCommand), $"{settings.Device.Profile.Name} joins {string.Join(", ", settings.Cluster.SeedNodes)}");
        var isDrained = await environment.Composition.RunDeviceAsync(settings, RunLogger.Bind(hocon, log), stop).ConfigureAwait(false);
        environment.Out.MarkupLine(
            stop.IsCancellationRequested ? "[yellow]Left the run.[/]" : isDrained ? "[green]Left the run: the node was drained.[/]" : "[green]The run is over.[/]");
        return stop.IsCancellationRequested ? ExitCode.Stopped : ExitCode.Done;
    }
}
