using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

using SplitFrozen.Cli.Allocation;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Simulation;

using Spectre.Console;

namespace SplitFrozen.Cli.Simulation;

/// <summary>Simulates a run over a fleet that no one machine could hold: <c>simulate</c>.</summary>
internal static class SimulateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var command = new Command(
            "simulate",
            "Simulate a run over many devices, event by event, without computing anything: a made-up fleet, or with --config or --like the nodes and data of a configuration or a finished run.");
        var options = new SimulateOptions(command);
        command.SetAction((line, _) => Task.FromResult((int)Run(environment, options.Read(line))));
        return command;
    }

    private static ExitCode Run(CliEnvironment environment, SimulateRequest request)
    {
        var began = Stopwatch.GetTimestamp();
        var spec = FleetBuilder.Build(request, environment.Composition);
        if (request.Sweep)
        {
            ShowSweep(environment.Out, [.. Variants(spec).Select(FleetSimulator.Run)], request.AsJson);
        }
        else
        {
            Show(environment.Out, FleetSimulator.Run(spec), request.Run, request.AsJson);
        }

        using var process = Process.GetCurrentProcess();
        environment.Error.MarkupLineInterpolated(
            $"[grey]simulated in {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s, at most {Units.Bytes(process.PeakWorkingSet64)} of memory[/]");
        return ExitCode.Done;
    }

    /// <summary>Every policy once, and those that follow the measurements dealt out anew as well.</summary>
    private static IEnumerable<FleetSpec> Variants(FleetSpec spec)
    {
        var plan = spec.Allocation;
        foreach (var name in BuiltInPolicies.Names.Where(n => n != BuiltInPolicies.Manual || plan.Settings.Manual.Count > 0))
        {
            var policy = BuiltInPolicies.Find(name, plan.Settings.Manual)!;
            yield return spec with { Allocation = plan with { Policy = policy, EverySeconds = null } };
            if (plan.EverySeconds is not null && name is BuiltInPolicies.Proportional or BuiltInPolicies.Balanced)
            {
                yield return spec with { Allocation = plan with { Policy = policy } };
            }
        }
    }

    private static void Show(IAnsiConsole console, SimulationReport report, RunRecord? run, bool asJson)
    {
        var comparison = run is null ? null : RunComparison.Of(report, run.Metrics);
        if (asJson)
        {
            WriteJson(console, new SimulationOutcome(report, comparison));
            return;
        }

        SimulationView.Show(console, report);
        if (comparison is not null)
        {
            SimulationView.Show(console, comparison);
        }
    }

    private static void ShowSweep(IAnsiConsole console, IReadOnlyList<SimulationReport> reports, bool asJson)
    {
        if (asJson)
        {
            WriteJson(console, new { Sweep = reports });
        }
        else
        {
            SimulationView.ShowSweep(console, reports);
        }
    }

    private static void WriteJson<T>(IAnsiConsole console, T value) =>
        console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(value, RunJson.Indented));
}
