using System.Diagnostics;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Benchmarks;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Emulation;

/// <summary>What an emulated run came to.</summary>
/// <param name="Summary">Its summary.</param>
/// <param name="Epochs">What its ledger says of each epoch.</param>
/// <param name="Seconds">From the start of training to the last step.</param>
/// <param name="StepSeconds">From each optimiser step to the next.</param>
/// <param name="LayerChanges">How often a device's layers changed.</param>
internal sealed record EmulatedOutcome(
    RunSummary Summary, IReadOnlyList<EpochAccount> Epochs, double Seconds, IReadOnlyList<double> StepSeconds, int LayerChanges)
{
    /// <summary>The same, if the machine kept to the times of emulated nodes; what a model of emulated servers waits too long is not counted.</summary>
    /// <exception cref="UserErrorException">It was too busy.</exception>
    public EmulatedOutcome OnTime() => Summary.TimesValid
        ? this
        : throw new UserErrorException("The machine was too busy to keep to the emulated times. Free it, and start again: cells that are done are kept.");
}

/// <summary>
/// Runs a real cluster, with real actors, frames and sockets, whose devices and servers wait as long as their rates ask for instead of computing.
/// </summary>
internal static class EmulatedCluster
{
    /// <summary>Trains to the end, in a folder that is removed afterwards.</summary>
    /// <param name="model">What servers take; what devices take say the settings of their nodes.</param>
    /// <param name="data">Training rows.</param>
    /// <param name="cut">The frozen line C.</param>
    /// <param name="overrides">Settings over the defaults.</param>
    /// <param name="lora">The adapters; null: those of the settings.</param>
    public static async Task<EmulatedOutcome> RunAsync(EmulatedModel model, EmulatedData data, int cut, IReadOnlyList<string> overrides, LoraSpec? lora = null)
    {
        var akka = SettingsReader.Load([], [
            .. RealRun.Quiet, "splitfrozen.model.path=/", "splitfrozen.data.path=/", "splitfrozen.data.partition=iid", "splitfrozen.training.checkpoint-steps=1000000",
            "splitfrozen.store.mode=off", "splitfrozen.control.port=off", .. overrides]);
        var settings = SettingsReader.Read(akka);
        var spec = new RunSpec(
            "emulated", model.Fingerprint, TaskKind.Classification, [.. data.Labels], cut, data.Length, settings.Pipeline.UnitTokens, settings.Channel.Credits, 1,
            settings.Data.Partition with { ValidationShare = 0 }, 1000, ActivationCodec.Fp32);
        var trainer = new TrainerSpec(TaskKind.Classification, 1, cut, lora ?? settings.Lora, 0, 0, 1);
        var sets = new HeldOutSets("test", data.Encode(DataSplit.Test, [0]), "none", []);
        var folder = Directory.CreateTempSubdirectory("splitfrozen-emulated-").FullName;
        try
        {
            var watch = new Watch();
            var run = new ServerRun(settings, model, data, sets, spec, trainer, new RunPaths(folder), watch, CancellationToken.None);
            var summary = await LocalCluster.RunAsync(run, new DeviceData(data, OwnFolder: false, Part: null), akka).ConfigureAwait(false);
            return watch.Outcome(summary, LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Watch : IRunObserver
    {
        private readonly List<long> _steps = [];
        private readonly Dictionary<DeviceId, int> _layers = [];
        private long _started;
        private int _changes;

        public EmulatedOutcome Outcome(RunSummary summary, IReadOnlyList<EpochAccount> epochs) => new(
            summary, epochs, Stopwatch.GetElapsedTime(_started, _steps.Count == 0 ? _started : _steps[^1]).TotalSeconds,
            [.. _steps.Zip(_steps.Skip(1), (a, b) => Stopwatch.GetElapsedTime(a, b).TotalSeconds)], _changes);

        public void On(RunEvent e)
        {
            switch (e)
            {
                case RunEvent.TrainingStarted:
                    _started = Stopwatch.GetTimestamp();
                    break;
                case RunEvent.StepDone:
                    _steps.Add(Stopwatch.GetTimestamp());
                    break;
                case RunEvent.LayersAssigned assigned:
                    _changes += _layers.TryGetValue(assigned.Device, out var before) && before != assigned.Layers ? 1 : 0;
                    _layers[assigned.Device] = assigned.Layers;
                    break;
            }
        }
    }
}
