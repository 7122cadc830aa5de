using System.Globalization;

using SplitFrozen.Cli.Emulation;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Costs;

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
        var outcome = (await EmulatedCluster.RunAsync(
            new EmulatedModel(new ServerTimes(ServerSeconds / 2, ServerSeconds / 2, 0)), new EmulatedData(Samples, Length), Cut, Overrides(pauses, window, relaxed)).ConfigureAwait(false)).OnTime();
        return new StragglersResult(
            outcome.Seconds, outcome.Summary.StageSeconds.TrainerIdle, outcome.Epochs.Sum(e => e.PutOff), outcome.Epochs.All(e => e.IsExact));
    }

    private static IReadOnlyList<string> Overrides(bool pauses, int window, bool relaxed)
    {
        var rate = MicroBatch * Length * Cut * LayerCosts.BlockForwardPerToken(EmulatedModel.Gpt2Small, Length) / DeviceSeconds / 1e9;
        return [
            $"splitfrozen.data.devices={Devices}", "splitfrozen.training.epochs=1",
            $"splitfrozen.training.batch-size={2 * MicroBatch}", $"splitfrozen.training.micro-batch-size={MicroBatch}",
            $"splitfrozen.training.put-off-after={(relaxed ? "50ms" : "off")}", "splitfrozen.pipeline.grant-batches=2", $"splitfrozen.pipeline.window={window}",
            $"splitfrozen.pipeline.unit-tokens={MicroBatch * Length}", "splitfrozen.allocation.interval=off",
            $"splitfrozen.nodes=[{string.Join(", ", Enumerable.Range(0, Devices).Select(d => Node(d, rate, pauses)))}]"];
    }

    private static string Node(int device, double rate, bool pauses)
    {
        string Text(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);
        var from = 0.6 + (1.3 * device);
        var changes = pauses ? $", changes = [\"{Text(from)}s {Text(rate / 10)}\", \"{Text(from + 0.9)}s {Text(rate)}\"]" : "";
        return $"{{ name = node-{device}, gigaflops = {Text(rate)}{changes} }}";
    }
}
