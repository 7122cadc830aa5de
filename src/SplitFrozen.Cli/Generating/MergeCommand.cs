using System.CommandLine;

using SplitFrozen.Domain;

using Spectre.Console;

namespace SplitFrozen.Cli.Generating;

/// <summary>Writes base model and adapter as one model: <c>merge</c>.</summary>
internal static class MergeCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var source = new Argument<string>("RUN|ADAPTER") { Description = "A run's folder, or a PEFT folder" };
        var model = new Option<string?>("--model") { Description = "Folder of the base model (default: the run's, or the one that the adapter names)", HelpName = "DIR" };
        var output = new Option<string>("--out") { Description = "Folder to write, which must not exist", HelpName = "DIR", Required = true };
        var command = new Command("merge", "Merge an adapter into its base model and write a Hugging Face folder.") { source, model, output };
        command.SetAction((line, _) => Task.FromResult((int)Run(environment, line.GetValue(source)!, line.GetValue(model), line.GetValue(output)!)));
        return command;
    }

    private static ExitCode Run(CliEnvironment environment, string source, string? model, string output)
    {
        var place = AdapterPlace.Find(source);
        var folder = place.Model(model, environment.Composition);
        environment.Composition.Merge(folder, place.Folder, Labels(environment, place), output);
        environment.Out.Markup("[green]Merged[/] ");
        environment.Out.Profile.Out.Writer.WriteLine($"{place.Folder} into {folder}: {Path.GetFullPath(output)}");
        return ExitCode.Done;
    }

    /// <summary>The names of the labels stand in the run's data, which may be gone.</summary>
    private static IReadOnlyList<string> Labels(CliEnvironment environment, AdapterPlace place)
    {
        try
        {
            return place.Run is null ? [] : environment.Composition.LabelsOf(place.Run);
        }
        catch (UserErrorException e)
        {
            Notes.Say(environment.Error, $"label names are left out (LABEL_0, LABEL_1, …), for the run's data cannot be read: {e.Message}");
            return [];
        }
    }
}
