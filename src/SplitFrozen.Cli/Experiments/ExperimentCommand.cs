using System.CommandLine;

using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Commands;

using Spectre.Console;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Runs a grid and writes a folder with table, plots and configuration: <c>experiment NAME</c>.</summary>
internal static class ExperimentCommand
{
    /// <summary>The command with all experiments.</summary>
    public static Command Create(CliEnvironment environment) =>
        new("experiment", "Run a grid of cells and write a folder with tables, plots and the configuration. What is there already is not run again.")
        {
            Experiment(environment, new ReallocationExperiment()),
            Experiment(environment, new ServersExperiment()),
        };

    private static Command Experiment(CliEnvironment environment, IExperiment experiment)
    {
        var command = new Command(experiment.Name, experiment.Description);
        var options = new ConfigurationOptions(command, "local.conf");
        var folder = new Option<string?>("--out") { Description = $"The experiment's folder (default: experiments/{experiment.Name})", HelpName = "DIR" };
        var json = new Option<bool>("--json") { Description = "Print the table as JSON" };
        command.Options.Add(folder);
        command.Options.Add(json);
        command.SetAction((line, _) =>
        {
            Run(environment, experiment, options.Load(line), line.GetValue(folder) ?? Path.Combine("experiments", experiment.Name), line.GetValue(json));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static void Run(CliEnvironment environment, IExperiment experiment, Config hocon, string path, bool asJson)
    {
        var settings = SettingsReader.Read(hocon);
        var cells = experiment.Cells(settings);
        var folder = ExperimentFolder.Open(path, SettingsReader.Render(hocon));
        var rows = new List<ExperimentRow>();
        foreach (var cell in cells)
        {
            var values = folder.Find(cell);
            if (values is null)
            {
                values = experiment.Run(settings, cell);
                folder.Keep(cell, values);
            }

            rows.Add(new ExperimentRow(cell, values));
        }

        ExperimentTable.Write(folder.Path, experiment.Note, rows);
        experiment.Draw(folder.Path, rows);
        environment.Out.Profile.Out.Writer.WriteLine(asJson ? ExperimentTable.Json(rows) : ExperimentTable.Markdown(rows));
        environment.Error.MarkupLineInterpolated($"[grey]{experiment.Note}[/]");
        environment.Error.MarkupLineInterpolated($"[grey]The experiment's folder is {folder.Path}[/]");
    }
}
