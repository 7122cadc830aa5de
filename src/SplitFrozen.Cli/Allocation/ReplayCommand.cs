using System.Globalization;
using System.Text.Json;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;

using Spectre.Console;

namespace SplitFrozen.Cli.Allocation;

/// <summary>What a replay is told beside trace and settings.</summary>
/// <param name="Tokens">Mean tokens of a sample.</param>
/// <param name="ServerRate">Tokens a second through one block on the server, or null: as the fastest device.</param>
/// <param name="Round">Seconds between allocations.</param>
internal sealed record ReplayOptions(double Tokens, double? ServerRate, double Round);

/// <summary>Plays a recorded capacity trace through a policy: <c>allocation replay</c>.</summary>
internal static class ReplayCommand
{
    /// <param name="environment">What to work with.</param>
    /// <param name="file">The trace.</param>
    /// <param name="settings">Policy, cut and model.</param>
    /// <param name="options">The rest.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public static ExitCode Run(CliEnvironment environment, string file, Settings settings, ReplayOptions options, bool asJson)
    {
        Check(options);
        var trace = TraceReader.Read(file);
        var shape = environment.Composition.ReadShape(settings);
        var cut = settings.Model.Cut ?? shape.Layers / 2;

        // B costs about as much as F, W next to nothing with LoRA.
        var server = new ServerMeasure(options.ServerRate, options.ServerRate is { } rate ? 2.0 * (shape.Layers - cut) / rate : 0);
        var report = TraceReplay.Run(
            trace, PolicyLoader.Load(settings.Allocation), settings.Allocation,
            new ReplaySetting(cut, new WorkSizes(options.Tokens, RowCodec.RowBytes(settings.Channel.Codec, shape.Width), (long)MemoryCosts.BlockWeights(shape, sizeof(float))), server, options.Round));
        Show(environment.Out, report, asJson);
        return ExitCode.Done;
    }

    private static void Check(ReplayOptions options)
    {
        (string Name, double? Value)[] positive = [("--tokens", options.Tokens), ("--server-rate", options.ServerRate), ("--round", options.Round)];
        if (Array.Find(positive, p => p.Value is { } value && !(value > 0 && double.IsFinite(value))) is { Name: { } name } wrong)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"{name} = {wrong.Value} is not allowed: it must be a number above 0."));
        }
    }

    private static void Show(IAnsiConsole console, ReplayReport report, bool asJson)
    {
        if (asJson)
        {
            console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(report, RunJson.Indented));
            return;
        }

        foreach (var round in report.Rounds.Where(r => r.Changes.Count + r.Postponed.Count > 0))
        {
            console.MarkupLineInterpolated($"[grey]{Units.Seconds(round.Time)}[/]  slowest stage {Units.Seconds(round.SlowestSeconds)} an epoch (static: {Units.Seconds(round.StaticSlowestSeconds)})");
            foreach (var change in round.Changes)
            {
                console.MarkupLineInterpolated($"  [green]{change.Device}[/] {change.From?.ToString(CultureInfo.InvariantCulture) ?? "new"} → {change.To}: {change.Reason}");
            }

            foreach (var postponed in round.Postponed)
            {
                console.MarkupLineInterpolated($"  [yellow]{postponed.Device}[/] keeps {postponed.Layers}, {postponed.Wanted} wanted: {postponed.Why}");
            }
        }

        DecisionView.Show(console, report.Final);
        console.MarkupLineInterpolated(
            $"{report.Policy}: {report.Changes} changes in {report.Rounds.Count} rounds; slowest stage {Units.Seconds(report.MeanSlowestSeconds)} an epoch on average, {Units.Seconds(report.StaticMeanSlowestSeconds)} with static");
    }
}
