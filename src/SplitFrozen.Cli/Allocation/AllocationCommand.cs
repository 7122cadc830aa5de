using System.CommandLine;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Commands;
using SplitFrozen.Cli.Operating;

namespace SplitFrozen.Cli.Allocation;

/// <summary>How many frozen layers each device runs, and why: <c>allocation</c>.</summary>
internal static class AllocationCommand
{
    /// <summary>The command with its subcommands.</summary>
    public static Command Create(CliEnvironment environment) =>
        new("allocation", "How many frozen layers each device runs, and why.")
        {
            Explain(environment), Replay(environment), LiveAllocation.Set(environment), LiveAllocation.Pause(environment, isPaused: true),
            LiveAllocation.Pause(environment, isPaused: false),
        };

    private static Command Explain(CliEnvironment environment)
    {
        var command = new Command("explain", "Explain the layers of a running cluster or of a finished run: inputs, alternatives, predicted and achieved times, other policies.");
        var folder = new Argument<string?>("RUN") { Description = "A finished run's folder; without it, the running cluster is asked", Arity = ArgumentArity.ZeroOrOne };
        var json = Json();
        command.Arguments.Add(folder);
        var server = new ServerOptions(command);
        command.Options.Add(json);
        command.SetAction((line, _) => Task.FromResult((int)(line.GetValue(folder) is { } run
            ? ExplainCommand.Run(environment, run, line.GetValue(json))
            : LiveAllocation.Explain(environment, server.Find(line), line.GetValue(json)))));
        return command;
    }

    private static Command Replay(CliEnvironment environment)
    {
        var command = new Command("replay", "Play a recorded capacity trace through an allocation policy, beside policy static.");
        var trace = new Argument<string>("TRACE") { Description = "CSV or JSON lines with time, device and layer_tokens_per_second; a run's metrics.jsonl is one" };
        var tokens = new Option<double>("--tokens") { Description = "Mean tokens of a sample", HelpName = "N", DefaultValueFactory = _ => 32 };
        var server = new Option<double?>("--server-rate") { Description = "Tokens a second through one block on the server (default: as the fastest device, and training takes no time)", HelpName = "N" };
        var round = new Option<double>("--round") { Description = "Seconds between allocations", HelpName = "S", DefaultValueFactory = _ => 5 };
        var json = Json();
        command.Arguments.Add(trace);
        var options = new ConfigurationOptions(command, "local.conf")
            .Add(command, "--policy", "NAME", "splitfrozen.allocation.policy", "What decides")
            .Add(command, "--cut", "LAYER", "splitfrozen.model.cut", "The frozen line");
        foreach (var option in new Option[] { tokens, server, round, json })
        {
            command.Options.Add(option);
        }

        command.SetAction((line, _) => Task.FromResult((int)ReplayCommand.Run(
            environment, line.GetValue(trace)!, SettingsReader.Read(options.Load(line)),
            new ReplayOptions(line.GetValue(tokens), line.GetValue(server), line.GetValue(round)), line.GetValue(json))));
        return command;
    }

    private static Option<bool> Json() => new("--json") { Description = "Print JSON instead of a table" };
}
