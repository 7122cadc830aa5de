using System.Diagnostics;
using System.Globalization;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Benchmarks;
using SplitFrozen.Cli.Benchmarks.Pipeline;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What a run of <see cref="EmulatedStragglers"/> came to.</summary>
/// <param name="Seconds">From the start of training to the last step.</param>
/// <param name="WaitingSeconds">Of them: the trainer had nothing to do.</param>
/// <param name="PutOff">Samples that were trained later than the plan has them.</param>
/// <param name="IsExact">Whether by the ledger each sample was trained once.</param>
internal sealed record StragglersResult(double Seconds, double WaitingSeconds, long PutOff, bool IsExact);

/// <summary>
/// Runs a real cluster, with real actors, frames and sockets, on four emulated devices and an emulated server: they wait as long as their rates ask for instead of
/// computing. The devices together are faster than the server; each in its turn may be ten times slower for about a second.
/// </summary>
internal static class EmulatedStragglers
{
    private const int Devices = 4;
    private const int Samples = 1200;
    private const int Length = 32;
    private const int MicroBatch = 8;
    private const int Cut = 6;

    /// <summary>Seconds of the server for a micro-batch, F and B alike.</summary>
    private const double ServerSeconds = 0.04;

    /// <summary>Seconds of a device for as many samples: four devices deliver 1.6 times what the server trains.</summary>
    private const double DeviceSeconds = 0.1;

    /// <summary>Trains an epoch.</summary>
    /// <param name="pauses">Whether devices slow down in turn.</param>
    /// <param name="window">Grants of two global batches in flight.</param>
    /// <param name="relaxed">Whether missing samples are put off.</param>
    /// <exception cref="UserErrorException">The machine was too busy to keep to the emulated times.</exception>
    public static async Task<StragglersResult> RunAsync(bool pauses, int window, bool relaxed)
    {
        var akka = SettingsReader.Load([], Overrides(pauses, window, relaxed));
        var settings = SettingsReader.Read(akka);
        var model = new EmulatedModel(new ServerTimes(ServerSeconds / 2, ServerSeconds / 2, 0));
        var data = new EmulatedData(Samples, Length);
        var spec = new RunSpec(
            "stragglers", model.Fingerprint, TaskKind.Classification, [.. data.Labels], Cut, Length, settings.Pipeline.UnitTokens, settings.Channel.Credits, 1,
            settings.Data.Partition with { ValidationShare = 0 }, 1000, ActivationCodec.Fp32);
        var trainer = new TrainerSpec(TaskKind.Classification, 1, Cut, settings.Lora, 0, 0, 1);
        var folder = Directory.CreateTempSubdirectory("splitfrozen-stragglers-").FullName;
        try
        {
            var watch = new Watch();
            var run = new ServerRun(
                settings, model, data, new HeldOutSets("test", data.Encode(DataSplit.Test, [0]), "none", []), spec, trainer, new RunPaths(folder), watch, CancellationToken.None);
            var summary = await LocalCluster.RunAsync(run, new DeviceData(data, OwnFolder: false, Part: null), akka).ConfigureAwait(false);
            var epochs = LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records);
            return summary.TimesValid
                ? new StragglersResult(watch.Seconds, summary.StageSeconds.TrainerIdle, epochs.Sum(e => e.PutOff), epochs.All(e => e.IsExact))
                : throw new UserErrorException("The machine was too busy to keep to the emulated times. Free it, and start again: cells that are done are kept.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IReadOnlyList<string> Overrides(bool pauses, int window, bool relaxed)
    {
        var shape = new EmulatedModel(new ServerTimes(0, 0, 0)).Shape;
        var rate = MicroBatch * Length * Cut * LayerCosts.BlockForwardPerToken(shape, Length) / DeviceSeconds / 1e9;
        return [
            .. RealRun.Quiet,
            "splitfrozen.model.path=/", "splitfrozen.data.path=/", $"splitfrozen.data.devices={Devices}", "splitfrozen.data.partition=iid", "splitfrozen.training.epochs=1",
            $"splitfrozen.training.batch-size={2 * MicroBatch}", $"splitfrozen.training.micro-batch-size={MicroBatch}", "splitfrozen.training.checkpoint-steps=1000000",
            $"splitfrozen.training.put-off-after={(relaxed ? "50ms" : "off")}", "splitfrozen.pipeline.grant-batches=2", $"splitfrozen.pipeline.window={window}",
            $"splitfrozen.pipeline.unit-tokens={MicroBatch * Length}", "splitfrozen.store.mode=off", "splitfrozen.allocation.interval=off", "splitfrozen.control.port=off",
            $"splitfrozen.nodes=[{string.Join(", ", Enumerable.Range(0, Devices).Select(d => Node(d, rate, pauses)))}]"];
    }

    private static string Node(int device, double rate, bool pauses)
    {
        string Text(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);
        var from = 0.6 + (1.3 * device);
        var changes = pauses ? $", changes = [\"{Text(from)}s {Text(rate / 10)}\", \"{Text(from + 0.9)}s {Text(rate)}\"]" : "";
        return $"{{ name = node-{device}, gigaflops = {Text(rate)}{changes} }}";
    }

    private sealed class Watch : IRunObserver
    {
        private long _started;
        private long _last;

        public double Seconds => Stopwatch.GetElapsedTime(_started, _last).TotalSeconds;

        public void On(RunEvent e)
        {
            switch (e)
            {
                case RunEvent.TrainingStarted:
                    _started = Stopwatch.GetTimestamp();
                    break;
                case RunEvent.StepDone:
                    _last = Stopwatch.GetTimestamp();
                    break;
            }
        }
    }
}
