using System.CommandLine;
using System.Globalization;
using System.Text.Json;

using SplitFrozen.Actors.Control;
using SplitFrozen.Cli.Operating;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Control;

using Spectre.Console;

namespace SplitFrozen.Cli.Allocation;

/// <summary>The allocation of a running cluster: <c>allocation set</c>, <c>pause</c>, <c>resume</c>, and <c>explain</c> without a run's folder.</summary>
internal static class LiveAllocation
{
    /// <summary>The command that sets a device's layers.</summary>
    public static Command Set(CliEnvironment environment)
    {
        var command = new Command("set", "Give a device of a running cluster so many layers, at once; DEVICE=auto leaves them to the policy again.");
        var assignment = new Argument<string>("DEVICE=LAYERS") { Description = "Such as phone-3=4, or phone-3=auto" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would come of it" };
        command.Arguments.Add(assignment);
        var server = new ServerOptions(command);
        command.Options.Add(dryRun);
        command.SetAction((line, _) =>
        {
            var (device, layers) = Parse(line.GetValue(assignment)!);
            Show(environment.Out, server.Find(line).Ask<SetReport>(
                ControlClient.Request("set") with { Target = device, Layers = layers, IsDryRun = line.GetValue(dryRun) }));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    /// <summary>The command that holds changes back, or the one that lets them through.</summary>
    public static Command Pause(CliEnvironment environment, bool isPaused)
    {
        var command = isPaused
            ? new Command("pause", "Hold changes of layers back in a running cluster; devices that are new get layers all the same.")
            : new Command("resume", "Let changes of layers through again in a running cluster.");
        var server = new ServerOptions(command);
        command.SetAction((line, _) =>
        {
            var before = server.Find(line).Ask<PauseReport>(ControlClient.Request(isPaused ? "pause" : "resume")).Before;
            environment.Out.MarkupLineInterpolated($"Reallocation is {(before == isPaused ? "already " : "")}{(isPaused ? "paused" : "under way")}.");
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    /// <summary>Explains the layers of a running cluster.</summary>
    public static ExitCode Explain(CliEnvironment environment, ControlClient server, bool asJson)
    {
        var report = server.Ask<AllocationReport>(ControlClient.Request("explain"));
        if (asJson)
        {
            environment.Out.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(report, RunJson.Indented));
        }
        else
        {
            Show(environment.Out, report);
        }

        return ExitCode.Done;
    }

    private static (string Device, int? Layers) Parse(string text)
    {
        var at = text.LastIndexOf('=');
        if (at > 0 && text[(at + 1)..] is var count)
        {
            if (count == "auto")
            {
                return (text[..at], null);
            }

            if (int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var layers))
            {
                return (text[..at], layers);
            }
        }

        throw new UserErrorException($"{text} is not allowed: write DEVICE=LAYERS, such as phone-3=4, or DEVICE=auto.");
    }

    private static void Show(IAnsiConsole console, SetReport report)
    {
        console.MarkupLineInterpolated(
            $"[bold]{report.Device}[/] {(report.IsDryRun ? "would get" : "gets")} {report.Layers} layers (before: {report.Before}): {DecisionView.Time(report.PredictedSeconds)} an epoch; the slowest stage {(report.IsDryRun ? "would be" : "is")} {report.Bottleneck} with {DecisionView.Time(report.SlowestSeconds)}");
    }

    private static void Show(IAnsiConsole console, AllocationReport report)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "[grey]Device[/]", "[grey]Node[/]", "[grey]Tokens/s a layer[/]", "[grey]Samples[/]", "[grey]Layers[/]", "[grey]Predicted an epoch[/]", "[grey]Achieved[/]",
            "[grey]Other counts: own time, slowest stage[/]");
        foreach (var device in report.Devices)
        {
            table.AddRow(
                Markup.Escape(device.Device), Markup.Escape(device.Node), device.LayerTokensPerSecond.ToString("N0", CultureInfo.InvariantCulture),
                Units.Number(device.Samples), $"[bold]{device.Layers}[/] of {report.Cut}", DecisionView.Time(device.PredictedSeconds),
                device.AchievedSeconds is { } achieved ? Units.Seconds(achieved) : "–",
                Markup.Escape(string.Join("; ", device.Alternatives.Select(a => $"{a.Layers}: {DecisionView.Time(a.PredictedSeconds)}, {DecisionView.Time(a.SlowestSeconds)}"))));
        }

        console.Write(table);
        foreach (var device in report.Devices)
        {
            console.MarkupLineInterpolated($"[bold]{device.Device}[/]: {device.Reason}");
        }

        foreach (var postponed in report.Postponed)
        {
            console.MarkupLineInterpolated($"[yellow]{postponed.Device}[/] keeps {postponed.Layers}, {postponed.Wanted} wanted: {postponed.Why}");
        }

        console.MarkupLineInterpolated(
            $"Policy {report.Policy}, allocation {report.Epoch}{(report.IsPaused ? ", paused" : "")}. Server {DecisionView.Time(report.ServerSeconds)} an epoch; the slowest stage is [bold]{report.Bottleneck}[/] with {DecisionView.Time(report.SlowestSeconds)}");
        foreach (var policy in report.Policies)
        {
            console.MarkupLineInterpolated(
                $"[grey]{policy.Policy}: {DecisionView.Time(policy.SlowestSeconds)} at {policy.Bottleneck} ({string.Join(", ", policy.Layers.Select(l => $"{l.Key} {l.Value}"))})[/]");
        }
    }

    /// <summary>Whether changes were held back before.</summary>
    private sealed record PauseReport(bool Before, bool IsPaused);
}
