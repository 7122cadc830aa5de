using System.CommandLine;
using System.Globalization;
using System.Text.Json;

using SplitFrozen.Cli.Benchmarks.Channel;
using SplitFrozen.Cli.Benchmarks.Compute;
using SplitFrozen.Cli.Benchmarks.Memory;
using SplitFrozen.Cli.Benchmarks.Pipeline;
using SplitFrozen.Cli.Benchmarks.Split;
using SplitFrozen.Cli.Benchmarks.Store;
using SplitFrozen.Cli.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Benchmarks;

/// <summary>Measures this machine: <c>bench NAME [--json]</c>. Each benchmark compares things measured side by side in one run.</summary>
internal static class BenchCommand
{
    /// <summary>The command with all its benchmarks.</summary>
    public static Command Create(CliEnvironment environment) =>
        new("bench", "Measure this machine. Figures are ratios of things measured side by side, since absolute ones differ from machine to machine.")
        {
            Bench(
                environment, "channel", "The activation channel beside raw sockets: rate, processor time, allocation, and the control plane's ping. Takes two minutes.",
                progress => ChannelBench.RunAsync(progress).GetAwaiter().GetResult()),
            Bench(
                environment, "store", "The activation store: epochs on the bundled model with and without their devices. Takes a minute.",
                progress => new StoreBench(environment.Composition, progress).RunAsync().GetAwaiter().GetResult()),
            Bench(
                environment, "pipeline", "Overlap of devices, links and server, emulated, beside one after another; and the cluster beside a single process. Takes two minutes.",
                progress => new PipelineBench(environment.Composition, progress).RunAsync().GetAwaiter().GetResult()),
            Bench(environment, ComputeBench.Name, "How near the model's modules come to the rate of bare matrix products, and how they compare with PyTorch", ComputeBench.Run),
            Bench(
                environment, SplitBench.Name, "A split step of one sample on random weights of published shapes, up to Llama-3.2-1B in bf16: time, bytes, memory. Needs 6 GB of memory.",
                SplitBench.Run),
            Memory(environment),
        };

    /// <summary>A benchmark without options of its own.</summary>
    /// <param name="environment">Where it is shown.</param>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it measures.</param>
    /// <param name="run">Measures; given a way to say what it is at.</param>
    public static Command Bench(CliEnvironment environment, string name, string description, Func<Action<string>, BenchReport> run) =>
        Bench(environment, name, description, (_, tell) => run(tell));

    private static Command Memory(CliEnvironment environment)
    {
        var model = new Option<string?>("--model") { Description = "Model folder or GGUF file to measure in place of random weights of SmolLM2's shapes", HelpName = "PATH" };
        var command = Bench(
            environment, MemoryBench.Name, "Memory of device processes with weights held expanded and as stored, and what the latter costs in time. Takes two minutes.",
            (line, tell) => MemoryBench.Run(line.GetValue(model), tell));
        command.Options.Add(model);
        return command;
    }

    private static Command Bench(CliEnvironment environment, string name, string description, Func<ParseResult, Action<string>, BenchReport> run)
    {
        var command = new Command(name, description);
        var json = new Option<bool>("--json") { Description = "Print JSON instead of a table" };
        command.Options.Add(json);
        command.SetAction((line, _) =>
        {
            Show(environment.Out, run(line, text => environment.Error.MarkupLineInterpolated($"[grey]{text}[/]")), line.GetValue(json));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static void Show(IAnsiConsole console, BenchReport report, bool asJson)
    {
        if (asJson)
        {
            console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(report, RunJson.Indented));
            return;
        }

        console.MarkupLineInterpolated($"{report.Machine.Processor}, {report.Machine.Cores} cores, {report.Machine.System}, {report.Machine.Runtime}");
        var rows = new Table().Border(TableBorder.Simple).AddColumns("[grey]Measured[/]", "[grey]Median[/]", "[grey]Smallest[/]", "[grey]Largest[/]", "[grey]Runs[/]", "[grey]Unit[/]");
        foreach (var row in report.Rows)
        {
            rows.AddRow(Markup.Escape(row.Name), Number(row.Median), Number(row.Minimum), Number(row.Maximum), $"{row.Runs}", Markup.Escape(row.Unit));
        }

        console.Write(rows);
        var ratios = new Table().Border(TableBorder.Simple).AddColumns("[grey]Ratio[/]", "[grey]Value[/]");
        foreach (var (name, value) in report.Ratios)
        {
            ratios.AddRow(Markup.Escape(name), value is { } number ? $"[bold]{number.ToString("0.000", CultureInfo.InvariantCulture)}[/]" : "not to be had here");
        }

        console.Write(ratios);
        foreach (var note in report.Notes)
        {
            console.MarkupLineInterpolated($"[grey]{note}[/]");
        }
    }

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "N0" : "0.###", CultureInfo.InvariantCulture);
}
