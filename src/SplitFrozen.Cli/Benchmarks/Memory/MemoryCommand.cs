using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Benchmarks.Memory;

/// <summary>A device process of the benchmark of memory, started by the benchmark and not by people: prints a <see cref="MemoryReport"/> as JSON.</summary>
internal static class MemoryCommand
{
    private const string Name = "bench-memory";

    /// <summary>The hidden command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var command = new Command(Name, "A device process of the benchmark of memory.") { Hidden = true };
        var model = new Option<string>("--model") { Required = true };
        var blocks = new Option<int>("--blocks") { Required = true };
        var weights = new Option<WeightHolding>("--weights") { Required = true };
        command.Options.Add(model);
        command.Options.Add(blocks);
        command.Options.Add(weights);
        command.SetAction((line, _) =>
        {
            NativeLibraryCheck.Require();
            TorchRuntime.UseThreads(MemoryBench.Threads);
            var report = MemorySubject.Measure(line.GetValue(model)!, line.GetValue(blocks), line.GetValue(weights));
            environment.Out.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(report, RunJson.Line));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    /// <summary>Runs the program again as such a process.</summary>
    public static MemoryReport RunProcess(string model, int blocks, WeightHolding holding)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };

        // Under `dotnet run` or `dotnet splitfrozen.dll` the process is not the program itself.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(MemoryCommand).Assembly.Location);
        }

        foreach (var argument in (string[])[Name, "--model", model, "--blocks", $"{blocks}", "--weights", $"{holding}"])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException("a device process of the benchmark did not start");
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<MemoryReport>(output, RunJson.Line)!
            : throw new InvalidOperationException($"a device process of the benchmark ended with {process.ExitCode}; its message stands above");
    }
}
