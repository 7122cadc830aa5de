using System.CommandLine;
using System.Text.Json;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Ledgers;

/// <summary>Looks at a run's ledger: <c>ledger check</c>.</summary>
internal static class LedgerCommand
{
    /// <summary>The command with all it can do.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("RUN") { Description = "A run's folder" };
        var json = new Option<bool>("--json") { Description = "Print JSON instead of a table" };
        var check = new Command("check", "Prove that each sample was trained once an epoch, or list what is missing and why.");
        check.Arguments.Add(folder);
        check.Options.Add(json);
        check.SetAction((line, _) => Task.FromResult((int)Check(environment, line.GetValue(folder)!, line.GetValue(json))));
        return new Command("ledger", "Look at a run's ledger: which sample was trained in which step.") { check };
    }

    private static ExitCode Check(CliEnvironment environment, string folder, bool asJson)
    {
        var paths = new RunPaths(Path.GetFullPath(folder));
        if (!File.Exists(paths.Ledger))
        {
            throw new UserErrorException($"{paths.Folder} has no {Path.GetFileName(paths.Ledger)}. Name the folder of a run of splitfrozen that began to train.");
        }

        var reading = LedgerFile.Read(paths.Ledger);
        var verdict = LedgerVerdict.Of(reading);
        if (asJson)
        {
            environment.Out.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(verdict, RunJson.Indented));
        }
        else
        {
            Show(environment.Out, verdict);
        }

        return verdict.Code;
    }

    private static void Show(IAnsiConsole console, LedgerVerdict verdict)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "[grey]Epoch[/]", "[grey]Samples[/]", "[grey]Trained[/]", "[grey]Of them put off[/]", "[grey]Struck[/]", "[grey]Not yet[/]", "[grey]Faults[/]");
        foreach (var epoch in verdict.Epochs)
        {
            table.AddRow(
                Units.Number(epoch.Epoch + 1), Units.Number(epoch.Samples), Units.Number(epoch.Trained), Units.Number(epoch.PutOff), Units.Number(epoch.Struck.Sum(s => s.Samples.Count)),
                Units.Number(epoch.Pending), Units.Number(epoch.Faults.Count));
        }

        console.Write(table);
        foreach (var epoch in verdict.Epochs)
        {
            foreach (var struck in epoch.Struck)
            {
                console.MarkupLineInterpolated($"epoch {epoch.Epoch + 1}: {struck.Samples.Count} samples of {struck.Device} struck: {struck.Reason} ([grey]{string.Join(", ", struck.Samples)}[/])");
            }

            foreach (var fault in epoch.Faults)
            {
                console.MarkupLineInterpolated($"[red]epoch {epoch.Epoch + 1}: {fault}[/]");
            }
        }

        if (verdict.Damage is { } damage)
        {
            console.MarkupLineInterpolated($"[yellow]{damage}[/]");
        }

        console.MarkupLineInterpolated($"[bold]{verdict.Words}[/]");
    }
}
