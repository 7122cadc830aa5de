using System.CommandLine;
using System.Globalization;

using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Commands;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Files;

using Spectre.Console;

namespace SplitFrozen.Cli.Partitions;

/// <summary>Spreads rows over devices and writes whose they are: <c>partition</c>.</summary>
internal static class PartitionCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var command = new Command("partition", "Spread the training rows over devices as the configuration says, and write the partition to a file that runs can read (splitfrozen.data.partition-file).");
        var options = new ConfigurationOptions(command, "local.conf")
            .Add(command, "--seed", "N", "splitfrozen.training.seed", "Seed of everything that is drawn");
        var file = new Option<string>("--out") { Description = "The file to write", HelpName = "FILE", Required = true };
        command.Options.Add(file);
        command.SetAction((line, _) => Task.FromResult((int)Run(environment, options.Load(line), line.GetValue(file)!)));
        return command;
    }

    private static ExitCode Run(CliEnvironment environment, Config hocon, string path)
    {
        // A method of one process: nodes do not matter here.
        var settings = SettingsReader.Read(hocon);
        var partition = environment.Composition.OpenTraining(settings with { Training = settings.Training with { Method = TrainingMethods.CenLora } }).Partition;
        var bytes = partition.File?.ToBytes() ?? throw new InvalidOperationException("The run does not tell its rows.");
        try
        {
            AtomicFile.Write(path, stream => stream.Write(bytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The partition file {path} cannot be written: {e.Message} Choose another place with --out.", e);
        }

        Show(environment.Out, partition);
        return ExitCode.Done;
    }

    private static void Show(IAnsiConsole console, PartitionRecord partition)
    {
        var table = new Table().AddColumns("Device", "Samples", "Labels", "Distance to the overall mix");
        foreach (var (part, index) in partition.Result.Devices.Select((part, index) => (part, index)))
        {
            table.AddRow(
                index.ToString(CultureInfo.InvariantCulture), Units.Number(part.Samples), Units.Number(part.Labels), part.Distance.ToString("0.000", CultureInfo.InvariantCulture));
        }

        console.Write(table);
        console.MarkupLineInterpolated($"{partition.Result.Validation} rows are held out; SHA-256 of the rows {partition.Result.Sha256}");
    }
}
