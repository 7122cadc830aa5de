using System.Globalization;

using SplitFrozen.Cli.Emulation;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;

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
        var outcome = await EmulatedCluster.RunAsync(
            new EmulatedModel(new ServerTimes(0, 0, 0), shape), new EmulatedData((Timed + 1) * settings.Training.MicroBatchSize * setup.MicroBatches, length),
            settings.Model.Cut ?? shape.Layers / 2, Overrides(settings, setup, length), settings.Lora).ConfigureAwait(false);
        return outcome.OnTime().StepSeconds;
    }

    private static IReadOnlyList<string> Overrides(Settings settings, ServersSetup setup, int length)
    {
        string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
        var latency = $"{Text(setup.Latency.TotalMilliseconds)}ms";
        var others = Enumerable.Range(1, setup.Servers - 1).Select(n => n == setup.Servers - 1 ? setup.SlowestMegabits : setup.Megabits)
            .Select((megabits, n) => $"{{ name = server-{n + 2}, gigaflops = {Text(setup.GigaFlops)}, link-megabits = {Text(megabits)}, link-latency = {latency} }}");
        var samples = settings.Training.MicroBatchSize;
        return [
            "splitfrozen.data.devices=1", "splitfrozen.training.epochs=1",
            $"splitfrozen.training.batch-size={samples * setup.MicroBatches}", $"splitfrozen.training.micro-batch-size={samples}",
            "splitfrozen.pipeline.grant-batches=1", "splitfrozen.pipeline.window=2",
            $"splitfrozen.pipeline.unit-tokens={samples * length}", "splitfrozen.nodes=[{ name = device }]",
            $"splitfrozen.pipeline.stages={setup.Servers}", $"splitfrozen.server.profile.gigaflops={Text(setup.GigaFlops)}",
            $"splitfrozen.server.profile.link-megabits={Text(setup.Megabits)}", $"splitfrozen.server.profile.link-latency={latency}",
            $"splitfrozen.server.nodes=[{string.Join(", ", others)}]"];
    }
}
