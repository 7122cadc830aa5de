using System.CommandLine;

using SplitFrozen.Actors.Control;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Control;

using Spectre.Console;

namespace SplitFrozen.Cli.Operating;

/// <summary>Lets a device node finish the units at hand and leave: <c>drain</c>.</summary>
internal static class DrainCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var command = new Command("drain", "Let a device node finish the units at hand and leave the cluster; shared data moves to the other nodes.");
        var node = new Argument<string>("NODE") { Description = "Name of the node; `splitfrozen status` lists them" };
        var noWait = new Option<bool>("--no-wait") { Description = "Do not wait until it has left" };
        command.Arguments.Add(node);
        var server = new ServerOptions(command);
        command.Options.Add(noWait);
        command.SetAction(async (line, _) => (int)await RunAsync(
            environment, server.Find(line), line.GetValue(node)!, !line.GetValue(noWait)).ConfigureAwait(false));
        return command;
    }

    private static async Task<ExitCode> RunAsync(CliEnvironment environment, ControlClient server, string node, bool wait)
    {
        var report = server.Ask<DrainReport>(ControlClient.Request("drain") with { Target = node });
        environment.Out.MarkupLineInterpolated($"{node} finishes and leaves{(report.Devices.Count > 0 ? $"; on it: {string.Join(", ", report.Devices)}" : "")}");
        if (report.Pinned.Count > 0)
        {
            environment.Out.MarkupLineInterpolated(
                $"[yellow]The data of {string.Join(", ", report.Pinned)} is on {node} only: training waits for its return where it needs it (splitfrozen.device.lost-after).[/]");
        }

        return wait ? await LeftAsync(environment, server, node).ConfigureAwait(false) : ExitCode.Done;
    }

    private static async Task<ExitCode> LeftAsync(CliEnvironment environment, ControlClient server, string node)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(environment.Stop.Token);
        limit.CancelAfter(Limit);
        using var timer = new PeriodicTimer(Interval, environment.Time);
        try
        {
            do
            {
                if (StatusCommand.Ask(server).Nodes.All(n => n.Name != node))
                {
                    environment.Out.MarkupLineInterpolated($"[green]{node} has left.[/]");
                    return ExitCode.Done;
                }
            }
            while (await timer.WaitForNextTickAsync(limit.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException e) when (!environment.Stop.Token.IsCancellationRequested)
        {
            throw new UserErrorException($"{node} has not left within {Limit.TotalSeconds:0} s; `splitfrozen status` shows what it does.", e);
        }

        return ExitCode.Stopped;
    }
}
