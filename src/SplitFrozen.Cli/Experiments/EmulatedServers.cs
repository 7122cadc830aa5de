using System.Diagnostics;
using System.Globalization;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Benchmarks;
using SplitFrozen.Cli.Benchmarks.Pipeline;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Server nodes with a stage each, as a cell emulates them.</summary>
/// <param name="Servers">Server nodes p.</param>
/// <param name="GigaFlops">Rate of each.</param>
/// <param name="Megabits">Rate of each one's links.</param>
/// <param name="SlowestMegabits">Rate of the last one's links.</param>
/// <param name="Latency">Latency of each link.</param>
/// <param name="MicroBatches">Micro-batches m of a global batch.</param>
internal sealed record ServersSetup(int Servers, double GigaFlops, double Megabits, double SlowestMegabits, TimeSpan Latency, int MicroBatches);

/// <summary>
/// Runs a real cluster, with real actors, frames and sockets, on emulated server nodes: stages wait as long as the profile's rate asks for instead of
/// computing, and links are as slow as asked for. The device is as fast as it is.
/// </summary>
internal static class EmulatedServers
{
    /// <summary>Global batches that are timed, after one that is not.</summary>
    private const int Timed = 3;

    /// <summary>Measures the time from one optimiser step to the next.</summary>
    /// <param name="settings">Model, micro-batch size, length and adapters.</param>
    /// <param name="shape">The model's sizes.</param>
    /// <param name="setup">The server nodes.</param>
    /// <returns>Seconds of each timed global batch.</returns>
    /// <exception cref="UserErrorException">The machine was too busy to keep to the emulated times.</exception>
    public static async Task<IReadOnlyList<double>> MeasureAsync(Settings settings, ModelShape shape, ServersSetup setup)
    {
        var length = Math.Min(settings.Data.MaxLength, shape.Context);
        var akka = SettingsReader.Load([], Overrides(settings, setup, length));
        var own = SettingsReader.Read(akka);
        var model = new EmulatedModel(new ServerTimes(0, 0, 0), shape);
        var data = new EmulatedData((Timed + 1) * own.Training.BatchSize, length);
        var cut = settings.Model.Cut ?? shape.Layers / 2;
        var spec = new RunSpec(
            "servers", model.Fingerprint, TaskKind.Classification, [.. data.Labels], cut, length, own.Pipeline.UnitTokens, own.Channel.Credits, 1,
            own.Data.Partition with { ValidationShare = 0 }, 1000, ActivationCodec.Fp32);
        var trainer = new TrainerSpec(TaskKind.Classification, 1, cut, settings.Lora, 0, 0, 1);
        var folder = Directory.CreateTempSubdirectory("splitfrozen-servers-").FullName;
        try
        {
            var watch = new Watch();
            var run = new ServerRun(
                own, model, data, new HeldOutSets("test", data.Encode(DataSplit.Test, [0]), "none", []), spec, trainer, new RunPaths(folder), watch, CancellationToken.None);
            var summary = await LocalCluster.RunAsync(run, new DeviceData(data, OwnFolder: false, Part: null), akka).ConfigureAwait(false);
            return summary.TimesValid ? watch.Seconds
                : throw new UserErrorException("The machine was too busy to keep to the emulated times of the server nodes. Free it, and start again: cells that are done are kept.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IReadOnlyList<string> Overrides(Settings settings, ServersSetup setup, int length)
    {
        string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
        var latency = $"{Text(setup.Latency.TotalMilliseconds)}ms";
        var others = Enumerable.Range(1, setup.Servers - 1).Select(n => n == setup.Servers - 1 ? setup.SlowestMegabits : setup.Megabits)
            .Select((megabits, n) => $"{{ name = server-{n + 2}, gigaflops = {Text(setup.GigaFlops)}, link-megabits = {Text(megabits)}, link-latency = {latency} }}");
        var samples = settings.Training.MicroBatchSize;
        return [
            .. RealRun.Quiet,
            "splitfrozen.model.path=/", "splitfrozen.data.path=/", "splitfrozen.data.devices=1", "splitfrozen.data.partition=iid", "splitfrozen.training.epochs=1",
            $"splitfrozen.training.batch-size={samples * setup.MicroBatches}", $"splitfrozen.training.micro-batch-size={samples}",
            "splitfrozen.training.checkpoint-steps=1000000", "splitfrozen.pipeline.grant-batches=1", "splitfrozen.pipeline.window=2",
            $"splitfrozen.pipeline.unit-tokens={samples * length}", "splitfrozen.store.mode=off", "splitfrozen.nodes=[{ name = device }]",
            $"splitfrozen.pipeline.stages={setup.Servers}", $"splitfrozen.server.profile.gigaflops={Text(setup.GigaFlops)}",
            $"splitfrozen.server.profile.link-megabits={Text(setup.Megabits)}", $"splitfrozen.server.profile.link-latency={latency}",
            $"splitfrozen.server.nodes=[{string.Join(", ", others)}]"];
    }

    private sealed class Watch : IRunObserver
    {
        private readonly List<long> _steps = [];

        public IReadOnlyList<double> Seconds => [.. _steps.Zip(_steps.Skip(1), (a, b) => Stopwatch.GetElapsedTime(a, b).TotalSeconds)];

        public void On(RunEvent e)
        {
            if (e is RunEvent.StepDone)
            {
                _steps.Add(Stopwatch.GetTimestamp());
            }
        }
    }
}
