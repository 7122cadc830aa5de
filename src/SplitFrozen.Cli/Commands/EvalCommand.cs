using System.Text.Json;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

using Spectre.Console;

namespace SplitFrozen.Cli.Commands;

/// <summary>Scores a run's adapter: <c>eval</c>.</summary>
internal static class EvalCommand
{
    /// <summary>Confusions that the table names.</summary>
    private const int ShownConfusions = 5;

    /// <param name="environment">What to work with.</param>
    /// <param name="runFolder">A run's folder.</param>
    /// <param name="overrides">Settings that differ from the run's.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public static ExitCode Run(CliEnvironment environment, string runFolder, IReadOnlyList<string> overrides, bool asJson)
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

        var settings = SettingsReader.Read(SettingsReader.Load([configuration], overrides));
        var stop = environment.Stop.Token;
        var score = environment.Composition.Score(settings, paths.Adapter);
        score = score with { ExactMatch = environment.Composition.ScoreAnswers(settings, paths.Adapter, text => Say(environment.Error, text), stop) };
        Show(environment.Out, score, asJson);
        return stop.IsCancellationRequested ? ExitCode.Stopped : ExitCode.Done;
    }

    private static void Say(IAnsiConsole console, string text) => console.MarkupLineInterpolated($"[grey]{text}[/]");

    private static void Show(IAnsiConsole console, AdapterScore score, bool asJson)
    {
        if (asJson)
        {
            console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(EvaluationFigures.Of(score), RunJson.Indented));
            return;
        }

        var isClassification = score.Task == TaskKind.Classification;
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "[grey]Set[/]", "[grey]Targets[/]", "[grey]Accuracy[/]", $"[grey]{(isClassification ? F1Name(score) : "Perplexity")}[/]", "[grey]Loss[/]");
        Row(table, score.Task, score.EvaluationSplit, score.Evaluation);
        if (score.Validation is { } validation)
        {
            Row(table, score.Task, $"validation: {score.ValidationSplit}", validation);
        }

        console.Write(table);
        if (score.Evaluation.Confusion is { } confusion)
        {
            ShowConfusions(console, score, confusion);
        }

        if (score.ExactMatch is { } match)
        {
            console.MarkupLineInterpolated($"Exact match of the number after ####: [bold]{Units.Share(match.Share)}[/] ({match.Matches} of {match.Rows} rows of {score.EvaluationSplit})");
        }
    }

    private static string F1Name(AdapterScore score) => score.Labels.Count == 2 ? $"F1 of {Markup.Escape(score.Labels[1])}" : "F1 (macro)";

    private static void Row(Table table, TaskKind task, string name, TargetScore score)
    {
        var second = task == TaskKind.Classification ? Units.Share(score.F1) : Units.Loss(Perplexity.Of(task, score));
        table.AddRow(Markup.Escape(name), Units.Number(score.Targets), $"[bold]{Units.Share(score.Accuracy)}[/]", second, Units.Loss(score.MeanLoss));
    }

    /// <summary>The whole matrix where it is small, else the labels most often taken for others.</summary>
    private static void ShowConfusions(IAnsiConsole console, AdapterScore score, ConfusionMatrix confusion)
    {
        if (confusion.Labels <= ShownConfusions)
        {
            var table = new Table().Border(TableBorder.Simple).AddColumn("[grey]Label, predicted as[/]").AddColumns([.. score.Labels.Select(l => $"[grey]{Markup.Escape(l)}[/]")]);
            foreach (var (row, label) in confusion.ToRows().Zip(score.Labels))
            {
                table.AddRow([Markup.Escape(label), .. row.Select(Units.Number)]);
            }

            console.Write(table);
            return;
        }

        foreach (var (actual, predicted, count) in confusion.LargestConfusions(ShownConfusions))
        {
            console.MarkupLineInterpolated($"{count} × [bold]{score.Labels[actual]}[/] taken for [bold]{score.Labels[predicted]}[/]");
        }
    }
}
