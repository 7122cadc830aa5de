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
            Experiment(environment, new ReallocationReplayExperiment()),
            Experiment(environment, new ServersExperiment()),
            Experiment(environment, new StragglersExperiment()),
            Experiment(environment, new ServersReplayExperiment()),
            Experiment(environment, new Table2Experiment(environment.Composition)),
            Experiment(environment, new AlphaExperiment(environment.Composition)),
            Experiment(environment, new ShuffleExperiment(environment.Composition)),
            Experiment(environment, new CutExperiment(environment.Composition)),
            Experiment(environment, new CodecExperiment(environment.Composition)),
            Experiment(environment, new TuneExperiment(environment.Composition)),
            Experiment(environment, new CostsExperiment(environment.Composition)),
            Experiment(environment, new PipelineExperiment()),
            Experiment(environment, new SequenceExperiment()),
        };

    private static Command Experiment(CliEnvironment environment, IExperiment experiment)
    {
        var command = new Command(experiment.Name, experiment.Description);
        var options = new ConfigurationOptions(command, experiment.Configuration);
        var seeds = new Option<int>("--seeds") { Description = "Seeds that each cell is run for, from splitfrozen.training.seed on", HelpName = "N", DefaultValueFactory = _ => 1 };
        if (experiment.IsTraining)
        {
            options.Add(command, "--epochs", "N", "splitfrozen.training.epochs", "Passes over the data")
                .Add(command, "--limit", "N", "splitfrozen.data.limit", "Training rows that are used");
            command.Options.Add(seeds);
        }

        var folder = new Option<string?>("--out") { Description = $"The experiment's folder (default: experiments/{experiment.Name})", HelpName = "DIR" };
        var json = new Option<bool>("--json") { Description = "Print the table as JSON" };
        command.Options.Add(folder);
        command.Options.Add(json);
        command.SetAction((line, _) =>
        {
            var grid = new ExperimentGrid(experiment, experiment.IsTraining ? line.GetValue(seeds) : 1, Say(environment), environment.Stop.Token);
            return Task.FromResult((int)Run(
                environment, grid, options.Load(line), line.GetValue(folder) ?? Path.Combine("experiments", experiment.Name), line.GetValue(json)));
        });
        return command;
    }

    private static Action<string> Say(CliEnvironment environment) => text => environment.Error.MarkupLineInterpolated($"[grey]{text}[/]");

    private static ExitCode Run(CliEnvironment environment, ExperimentGrid grid, Config hocon, string path, bool asJson)
    {
        var settings = SettingsReader.Read(hocon);
        var folder = ExperimentFolder.Open(path, SettingsReader.Render(hocon));
        if (!grid.Run(settings, folder))
        {
            Say(environment)($"Stopped; the same command goes on where it was. The experiment's folder is {folder.Path}");
            return ExitCode.Stopped;
        }

        var rows = grid.Rows(settings, folder);
        ExperimentTable.Write(folder.Path, grid.Experiment.Note, rows);
        grid.Experiment.Draw(folder.Path, rows);
        environment.Out.Profile.Out.Writer.WriteLine(asJson ? ExperimentTable.Json(rows) : ExperimentTable.Markdown(rows));
        Say(environment)(grid.Experiment.Note);
        Say(environment)($"The experiment's folder is {folder.Path}");
        return ExitCode.Done;
    }
}
