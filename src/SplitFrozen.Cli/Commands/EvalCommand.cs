using System.Text.Json;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Commands;

/// <summary>Scores a run's adapter: <c>eval</c>.</summary>
internal static class EvalCommand
{
    /// <param name="environment">What to work with.</param>
    /// <param name="runFolder">A run's folder.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public static ExitCode Run(CliEnvironment environment, string runFolder, bool asJson)
    {
        var paths = new RunPaths(Path.GetFullPath(runFolder));
        var configuration = Path.Combine(paths.Folder, RunFolder.ConfigurationFile);
        if (!File.Exists(configuration))
        {
            throw new UserErrorException($"{paths.Folder} is not a run's folder: it has no {RunFolder.ConfigurationFile}. Name a folder that `splitfrozen train` made.");
        }

        if (!Directory.Exists(paths.Adapter))
        {
            throw new UserErrorException($"{paths.Folder} has no adapter: the run ended before a step was trained. Train again, and name that run's folder.");
        }

        var score = environment.Composition.Score(SettingsReader.Read(SettingsReader.Load([configuration], [])), paths.Adapter);
        Show(environment.Out, score, asJson);
        return ExitCode.Done;
    }

    private static void Show(IAnsiConsole console, AdapterScore score, bool asJson)
    {
        if (asJson)
        {
            console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(Figures.Of(score), RunJson.Indented));
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("[grey]Set[/]", "[grey]Targets[/]", "[grey]Accuracy[/]", "[grey]Loss[/]");
        Row(table, score.EvaluationSplit, score.Evaluation);
        if (score.Validation is { } validation)
        {
            Row(table, $"validation: {score.ValidationSplit}", validation);
        }

        console.Write(table);
    }

    private static void Row(Table table, string name, TargetScore score) =>
        table.AddRow(Markup.Escape(name), Units.Number(score.Targets), $"[bold]{Units.Share(score.Accuracy)}[/]", Units.Loss(score.MeanLoss));

    private sealed record Figures(
        string EvaluationSplit, double Accuracy, double Loss, long Targets, string ValidationSplit, double? ValidationAccuracy, double? ValidationLoss)
    {
        public static Figures Of(AdapterScore score) => new(
            score.EvaluationSplit, score.Evaluation.Accuracy, score.Evaluation.MeanLoss, score.Evaluation.Targets,
            score.ValidationSplit, score.Validation?.Accuracy, score.Validation?.MeanLoss);
    }
}
