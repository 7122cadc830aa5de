using System.Globalization;
using System.Text.Json;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;

using Spectre.Console;

namespace SplitFrozen.Cli.Allocation;

/// <summary>Explains a finished run's layers: <c>allocation explain</c>.</summary>
internal static class ExplainCommand
{
    /// <param name="environment">What to work with.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public static ExitCode Run(CliEnvironment environment, string folder, bool asJson)
    {
        var run = RunRecord.Read(folder);
        var explanation = RunExplanation.Of(run, environment.Composition.ReadShape(run.Settings));
        if (asJson)
        {
            environment.Out.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(explanation, RunJson.Indented));
        }
        else
        {
            Show(environment.Out, explanation);
        }

        return ExitCode.Done;
    }

    private static void Show(IAnsiConsole console, RunExplanation run)
    {
        var devices = new Table().Border(TableBorder.Simple).AddColumns(
            "[grey]Device[/]", "[grey]Node[/]", "[grey]Tokens/s a layer[/]", "[grey]Samples[/]", "[grey]Layers[/]", "[grey]Predicted an epoch[/]", "[grey]Achieved[/]");
        foreach (var device in run.Devices)
        {
            devices.AddRow(
                Markup.Escape(device.Device), Markup.Escape(device.Node), device.LayerTokensPerSecond.ToString("N0", CultureInfo.InvariantCulture),
                Units.Number(device.Samples), $"[bold]{device.Layers}[/] of {run.Cut}", DecisionView.Time(device.PredictedSeconds),
                device.AchievedSeconds is { } achieved ? Units.Seconds(achieved) : "–");
        }

        console.Write(devices);
        DecisionView.Show(console, run.Decision);
        console.MarkupLineInterpolated(
            $"[grey]Achieved by the server an epoch: {Units.Seconds(run.AchievedTrainingSeconds)} of training, beside {Units.Seconds(run.AchievedCatchUpSeconds)} of catch-up.[/]");
        var policies = new Table().Border(TableBorder.Simple).AddColumns("[grey]Policy[/]", "[grey]Slowest stage[/]", "[grey]Which[/]", "[grey]Layers[/]");
        foreach (var policy in run.Policies)
        {
            policies.AddRow(
                policy.Policy, DecisionView.Time(policy.SlowestSeconds), Markup.Escape(policy.Bottleneck),
                Markup.Escape(string.Join(", ", policy.Layers.Select(l => $"{l.Key} {l.Value}"))));
        }

        console.Write(policies);
    }
}
