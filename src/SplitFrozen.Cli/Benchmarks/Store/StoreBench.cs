using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Benchmarks.Store;

/// <summary>
/// Trains the bundled model with the activation store on real devices without emulated waiting, and compares the epoch in which devices run the frozen
/// blocks with those after it.
/// </summary>
internal sealed class StoreBench(IComposition composition, Action<string> progress)
{
    private const int Runs = 3;
    private const int Epochs = 3;
    private const int Samples = 1500;

    /// <summary>Measures.</summary>
    public async Task<BenchReport> RunAsync()
    {
        var runs = new List<RealRunResult>();
        for (var run = 1; run <= Runs; run++)
        {
            progress($"run {run} of {Runs}: {Epochs} epochs of {Samples} samples");
            runs.Add(await RealRun.RunAsync(
                composition, $"splitfrozen.training.epochs={Epochs}", $"splitfrozen.data.limit={Samples}", "splitfrozen.data.validation=none",
                "splitfrozen.data.evaluation-limit=77", "splitfrozen.store.mode=memory",
                "splitfrozen.nodes=[{ name = one }, { name = two }]").ConfigureAwait(false));
        }

        return Report(runs);
    }

    /// <summary>The report of some runs.</summary>
    internal static BenchReport Report(List<RealRunResult> runs)
    {
        var compute = BenchRow.Of("processor time of epoch 2 over epoch 1", "share", runs.Select(r => r.ProcessorSeconds[1] / r.ProcessorSeconds[0]));
        var wall = BenchRow.Of("wall time of epoch 2 over epoch 1", "share", runs.Select(r => r.Epochs[1].Seconds / r.Epochs[0].Seconds));
        var bytes = BenchRow.Of("activations sent in epoch 2", "bytes", runs.Select(r => (double)r.Epochs[1].ReceivedBytes));
        return new BenchReport(
            "store", Machine.Current(),
            new Dictionary<string, double?>
            {
                ["epoch2_vs_epoch1"] = compute.Median,
                ["epoch2_vs_epoch1_wall"] = wall.Median,
                ["epoch2_wire_bytes"] = bytes.Median,
                ["frozen_share"] = FrozenShare(runs),
            },
            [
                compute, wall, bytes,
                BenchRow.Of("epoch 1", "s", runs.Select(r => r.Epochs[0].Seconds)), BenchRow.Of("epoch 2", "s", runs.Select(r => r.Epochs[1].Seconds)),
                BenchRow.Of("epoch 3", "s", runs.Select(r => r.Epochs[2].Seconds)),
                BenchRow.Of("activations sent in epoch 1", "bytes", runs.Select(r => (double)r.Epochs[0].ReceivedBytes)),
                BenchRow.Of("bytes that the store holds", "bytes", runs.Select(r => (double)r.Stages.Store!.MemoryBytes)),
            ],
            [
                "epoch2_vs_epoch1 is processor time of the whole process, devices and server: what an epoch costs where nothing waits. On a machine with a core for each, devices and server overlap, and the wall time falls only as far as devices held the server up.",
                "frozen_share is what the devices' frozen blocks took of the compute of epoch 1, by the stages' own clocks.",
            ]);
    }

    /// <summary>The devices' forward seconds over those and the server's F, B, W and steps of one epoch.</summary>
    private static double FrozenShare(List<RealRunResult> runs)
    {
        static double Share(RunSummary summary)
        {
            var frozen = summary.Devices.Sum(d => d.BusySeconds) + summary.StageSeconds.CatchUp;
            var stages = summary.StageSeconds;
            return frozen / (frozen + ((stages.Forward + stages.BackwardInput + stages.BackwardWeights + stages.Step) / Epochs));
        }

        return BenchRow.Of("", "", runs.Select(r => Share(r.Stages))).Median;
    }
}
