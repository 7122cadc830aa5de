using System.CommandLine;
using System.Text.Json;

using SplitFrozen.Actors.Control;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Control;

using Spectre.Console;

namespace SplitFrozen.Cli.Operating;

/// <summary>Shows a running cluster: <c>status</c>.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var command = new Command("status", "Show a running cluster: nodes, devices, layers, progress, rates, queues, alarms.");
        var server = new ServerOptions(command);
        var json = new Option<bool>("--json") { Description = "Print JSON; with --watch a line each time" };
        var watch = new Option<bool>("--watch") { Description = "Show it again every two seconds until the run is over" };
        command.Options.Add(json);
        command.Options.Add(watch);
        command.SetAction(async (line, _) => (int)await RunAsync(
            environment, server.Find(line), line.GetValue(json), line.GetValue(watch)).ConfigureAwait(false));
        return command;
    }

    /// <summary>Asks a server for its status.</summary>
    public static ClusterStatus Ask(ControlClient server) => server.Ask<ClusterStatus>(ControlClient.Request("status"));

    private static async Task<ExitCode> RunAsync(CliEnvironment environment, ControlClient server, bool asJson, bool watch)
    {
        Show(environment, Ask(server), asJson, asLine: watch);
        using var timer = new PeriodicTimer(Interval, environment.Time);
        while (watch && await TickAsync(timer, environment.Stop.Token).ConfigureAwait(false))
        {
            try
            {
                var status = Ask(server);
                if (!asJson && environment.Out.Profile.Out.IsTerminal)
                {
                    environment.Out.Clear(home: true);
                }

                Show(environment, status, asJson, asLine: true);
            }
            catch (UserErrorException)
            {
                // It answered before, and now does not: the run is over, or its server is gone. Which of the two only its folder can tell.
                environment.Error.MarkupLineInterpolated($"{server.Server} does not answer any more.");
                return ExitCode.Done;
            }
        }

        return ExitCode.Done;
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static void Show(CliEnvironment environment, ClusterStatus status, bool asJson, bool asLine)
    {
        if (asJson)
        {
            environment.Out.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(status, asLine ? RunJson.Line : RunJson.Indented));
        }
        else
        {
            StatusView.Show(environment.Out, status);
        }
    }
}
