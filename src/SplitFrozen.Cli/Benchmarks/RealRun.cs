using System.Diagnostics;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Benchmarks;

/// <summary>What a run of a benchmark took.</summary>
/// <param name="Epochs">Its epochs, in order.</param>
/// <param name="Stages">Where time went.</param>
/// <param name="ProcessorSeconds">Processor time of this process in each epoch, in order.</param>
internal sealed record RealRunResult(IReadOnlyList<RunEvent.EpochTrained> Epochs, RunSummary Stages, IReadOnlyList<double> ProcessorSeconds);

/// <summary>Runs a real training on the bundled model for a benchmark, in a folder that is removed afterwards.</summary>
internal static class RealRun
{
    /// <summary>Settings that keep Akka's log out of a benchmark's output.</summary>
    public static IReadOnlyList<string> Quiet { get; } = ["akka.loglevel=OFF", "akka.stdout-loglevel=OFF"];

    /// <summary>Runs to the end.</summary>
    /// <param name="composition">Puts the run together.</param>
    /// <param name="overrides">Settings over the defaults.</param>
    public static async Task<RealRunResult> RunAsync(IComposition composition, params string[] overrides)
    {
        var akka = SettingsReader.Load([], [.. Quiet, .. overrides]);
        var folder = Directory.CreateTempSubdirectory("splitfrozen-bench-").FullName;
        try
        {
            var watch = new Watch();
            var run = composition.OpenTraining(SettingsReader.Read(akka));
            var summary = await run.RunAsync(new RunHost(new RunPaths(folder), watch, akka, CancellationToken.None)).ConfigureAwait(false);
            return new RealRunResult(watch.Epochs, summary, watch.Processor);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Notes epochs as they end.</summary>
    private sealed class Watch : IRunObserver
    {
        private TimeSpan? _before;

        public List<RunEvent.EpochTrained> Epochs { get; } = [];

        public List<double> Processor { get; } = [];

        public void On(RunEvent e)
        {
            if (e is RunEvent.StepDone or RunEvent.TrainingStarted)
            {
                _before ??= Now();
            }

            if (e is RunEvent.EpochTrained epoch)
            {
                Epochs.Add(epoch);
                Processor.Add((Now() - _before!.Value).TotalSeconds);
                _before = Now();
            }
        }

        private static TimeSpan Now()
        {
            using var process = Process.GetCurrentProcess();
            return process.TotalProcessorTime;
        }
    }
}
