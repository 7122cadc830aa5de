using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Cli.Benchmarks.Pipeline;

/// <summary>
/// The pipeline of devices, links and server beside the same work done one after another, on emulated ones; what each part of the design saves; and the whole
/// cluster beside a single process without emulation.
/// </summary>
internal sealed class PipelineBench(IComposition composition, Action<string> progress)
{
    private const int Runs = 3;
    private const int Units = 24;
    private const int Window = 8;
    private const int Samples = 1000;

    /// <summary>A device, a link and a server that take 84 ms each for a unit.</summary>
    private static readonly EmulatedProfile Balanced = Matched("balanced");

    /// <summary>600 Mbit/s and 6 MiB units as in the paper; its devices and server are not known: an accelerator of 1 TFLOP/s, and 6 TFLOP/s, are assumed.</summary>
    private static readonly EmulatedProfile Paper = new("paper", 3, 1000, 600, 6000);

    /// <summary>Measures.</summary>
    public async Task<BenchReport> RunAsync()
    {
        var balanced = await MeasureAsync(Balanced).ConfigureAwait(false);
        var paper = await MeasureAsync(Paper).ConfigureAwait(false);
        var (single, cluster) = await CompareAsync().ConfigureAwait(false);
        return Report(balanced, paper, single, cluster);
    }

    /// <summary>The report of measured profiles and of epochs in a single process and in the cluster.</summary>
    internal static BenchReport Report(Measured balanced, Measured paper, List<double> single, List<double> cluster)
    {
        var ratio = BenchRow.Of("cluster over single process", "share", single.Zip(cluster, (s, c) => s / c));
        var bubble = 1 - (Units * Balanced.Server.Total / balanced.Pipeline.Median);
        return new BenchReport(
            "pipeline", Machine.Current(),
            new Dictionary<string, double?>
            {
                ["saving_vs_sequential"] = 1 - (balanced.Pipeline.Median / balanced.Sequential.Median),
                ["saving_vs_sequential_paper"] = 1 - (paper.Pipeline.Median / paper.Sequential.Median),
                ["time_vs_bound"] = balanced.Pipeline.Median / Balanced.Bound(Units),
                ["time_vs_bound_paper"] = paper.Pipeline.Median / Paper.Bound(Units),
                ["bubble_share"] = bubble,
                ["cluster_vs_single"] = ratio.Median,
                ["predicted_vs_measured"] = Predicted(Balanced) / balanced.Pipeline.Median,
                ["predicted_vs_measured_paper"] = Predicted(Paper) / paper.Pipeline.Median,
                ["overrun_share"] = Math.Max(balanced.Overruns, paper.Overruns),
            },
            [
                .. Rows(Balanced, balanced), .. Rows(Paper, paper), .. ZeroBubble(),
                BenchRow.Of("single process, an epoch without emulation", "s", single), BenchRow.Of("cluster, an epoch without emulation", "s", cluster), ratio,
            ],
            [
                $"Emulated runs are {Units} units of 16 × 128 tokens × 768 in fp32 (6 MiB), each a global batch, over the real actors and the real channel; device, link and server wait instead of computing. One after another is the same system with a window of one unit.",
                "bubble_share is the share of the balanced pipeline's wall time in which the server had nothing to do, filling and draining included.",
                "Rows 'with device backward' and of ZB-H1 are by formula and replay, not measured: no device here computes gradients.",
            ]);
    }

    private static EmulatedProfile Matched(string name)
    {
        const int Cut = 6;
        var unit = new EmulatedProfile(name, Cut, 1, 600, 1);
        return unit with { DeviceGigaFlops = unit.DeviceSeconds / unit.LinkSeconds, ServerGigaFlops = unit.Server.Total / unit.LinkSeconds };
    }

    private async Task<Measured> MeasureAsync(EmulatedProfile profile)
    {
        var (pipeline, sequential, overruns) = (new List<double>(), new List<double>(), 0.0);
        for (var run = 1; run <= Runs; run++)
        {
            progress($"profile {profile.Name}, run {run} of {Runs}");
            var overlapped = await EmulatedRun.RunAsync(profile, Units, Window).ConfigureAwait(false);
            var single = await EmulatedRun.RunAsync(profile, Units, window: 1).ConfigureAwait(false);
            pipeline.Add(overlapped.Seconds);
            sequential.Add(single.Seconds);
            overruns = Math.Max(overruns, Math.Max(overlapped.OverrunShare, single.OverrunShare));
        }

        return new Measured(
            BenchRow.Of($"{profile.Name}: pipeline", "s", pipeline), BenchRow.Of($"{profile.Name}: one after another", "s", sequential), overruns);
    }

    private static double Predicted(EmulatedProfile profile) =>
        EmulatedPrediction.Seconds(profile, Units, Window, SettingsReader.Read(SettingsReader.Defaults));

    private static IEnumerable<BenchRow> Rows(EmulatedProfile profile, Measured measured)
    {
        BenchRow Row(string name, string unit, double value) => BenchRow.Of($"{profile.Name}: {name}", unit, [value]);

        var sequential = profile.Sequential(Units);
        var withBackward = sequential + (Units * profile.DeviceBackwardSeconds);
        yield return Row("device Td", "ms", profile.DeviceSeconds * 1e3);
        yield return Row("link Tt", "ms", profile.LinkSeconds * 1e3);
        yield return Row("server Ts", "ms", profile.Server.Total * 1e3);
        yield return Row("one after another with device backward, by formula", "s", withBackward);
        yield return measured.Sequential;
        yield return measured.Pipeline;
        yield return Row("bound Td + Tt + Ts + (M − 1) max", "s", profile.Bound(Units));
        yield return Row("predicted by the simulator", "s", Predicted(profile));
        yield return Row("saved by no device backward", "share", 1 - (sequential / withBackward));
        yield return Row("saved by overlap beyond that", "share", (measured.Sequential.Median - measured.Pipeline.Median) / withBackward);
    }

    /// <summary>Replays of 1F1B and ZB-H1 on p = 4 stages with m = 8 micro-batches: W of adapters is next to nothing, W of all weights is as long as F.</summary>
    private static IEnumerable<BenchRow> ZeroBubble()
    {
        foreach (var (name, weights) in new[] { ("adapters of rank 8", 0.0034), ("all weights", 1.0) })
        {
            double Time(ScheduleKind kind) => ScheduleReplay.Run(PipelineSchedule.Create(kind, 4, 8), new StageTimes(1, 1, weights)).StageTime;
            yield return BenchRow.Of($"ZB-H1 over 1F1B, {name}, p = 4, m = 8", "share saved", [1 - (Time(ScheduleKind.ZbH1) / Time(ScheduleKind.OneForwardOneBackward))]);
        }
    }

    /// <summary>Seconds of an epoch in a single process and in the cluster, which train the same plan.</summary>
    private async Task<(List<double> Single, List<double> Cluster)> CompareAsync()
    {
        var (single, cluster) = (new List<double>(), new List<double>());
        for (var run = 1; run <= Runs; run++)
        {
            progress($"cluster beside single process, run {run} of {Runs}");
            single.Add(await EpochAsync("splitfrozen.training.method=cenlora", "splitfrozen.training.lora-from=4").ConfigureAwait(false));
            cluster.Add(await EpochAsync("splitfrozen.store.mode=off", "splitfrozen.nodes=[{ name = one }, { name = two }]").ConfigureAwait(false));
        }

        return (single, cluster);
    }

    private async Task<double> EpochAsync(params string[] overrides)
    {
        var result = await RealRun.RunAsync(composition, [
            "splitfrozen.training.epochs=1", $"splitfrozen.data.limit={Samples}", "splitfrozen.data.validation=none", "splitfrozen.data.evaluation-limit=77",
            .. overrides]).ConfigureAwait(false);
        return result.Epochs[0].Seconds;
    }

    /// <summary>Wall times of a profile.</summary>
    /// <param name="Pipeline">Overlapped.</param>
    /// <param name="Sequential">One unit after another.</param>
    /// <param name="Overruns">Largest share of operations that took longer than emulated.</param>
    internal sealed record Measured(BenchRow Pipeline, BenchRow Sequential, double Overruns);
}
