using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Logging;
using SplitFrozen.Domain.Configuration;

using Spectre.Console;

namespace SplitFrozen.Cli.Commands;

/// <summary>Hosts devices, or trainer stages of a further server node, until the run is over: <c>device</c> and <c>server --join</c>.</summary>
internal static class DeviceCommand
{
    /// <param name="environment">What to work with.</param>
    /// <param name="load">Reads the configuration.</param>
    public static Task<ExitCode> RunAsync(CliEnvironment environment, Func<Config> load) =>
        RunAsync(environment, load, settings => settings.Device.Profile.Name, environment.Composition.RunDeviceAsync);

    /// <summary>Hosts trainer stages.</summary>
    /// <param name="environment">What to work with.</param>
    /// <param name="load">Reads the configuration.</param>
    public static Task<ExitCode> RunStagesAsync(CliEnvironment environment, Func<Config> load) =>
        RunAsync(environment, load, settings => settings.Server.Profile.Name, async (settings, akka, stop) =>
        {
            await environment.Composition.RunStagesAsync(settings, akka, stop).ConfigureAwait(false);
            return false;
        });

    private static async Task<ExitCode> RunAsync(
        CliEnvironment environment, Func<Config> load, Func<Settings, string> name, Func<Settings, Config, CancellationToken, Task<bool>> run)
    {
        var hocon = load();
        var settings = SettingsReader.Read(hocon);
        using var log = RunLog.ToTerminal(environment.Out.Profile.Out.Writer, environment.Time);
        var stop = environment.Stop.Token;
        log.Write("INFO", nameof(DeviceCommand), $"{name(settings)} joins {string.Join(", ", settings.Cluster.SeedNodes)}");
        var isDrained = await run(settings, RunLogger.Bind(hocon, log), stop).ConfigureAwait(false);
        environment.Out.MarkupLine(
            stop.IsCancellationRequested ? "[yellow]Left the run.[/]" : isDrained ? "[green]Left the run: the node was drained.[/]" : "[green]The run is over.[/]");
        return stop.IsCancellationRequested ? ExitCode.Stopped : ExitCode.Done;
    }
}
