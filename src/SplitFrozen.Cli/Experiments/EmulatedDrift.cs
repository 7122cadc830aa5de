using System.Globalization;

using SplitFrozen.Cli.Emulation;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Costs;

namespace SplitFrozen.Cli.Experiments;

/// <summary>
/// Runs a real cluster on four emulated devices, some of which run at a third of their rate for a time, and a server that trains and completes layers on two emulated processors:
/// with layers dealt out once or anew.
/// </summary>
internal static class EmulatedDrift
{
    /// <summary>Samples of an epoch, evenly on the devices.</summary>
    private const int Samples = 2400;

    /// <summary>Seconds of the server for a micro-batch of eight, F and B alike.</summary>
    private const double ServerSeconds = 0.03;

    /// <summary>Seconds of the strongest device for as many samples with all frozen layers.</summary>
    private const double DeviceSeconds = 0.16;

    private const int Length = 32;
    private const int MicroBatch = 8;
    private const int Cut = 6;

    /// <summary>How many times faster than the strongest device the server completes layers.</summary>
    private const double ServerShare = 7.5;

    /// <summary>Trains an epoch.</summary>
    /// <param name="policy">Whose counts the devices get.</param>
    /// <param name="isDynamic">Whether layers are dealt out anew.</param>
    /// <param name="shares">Rates of the devices, as shares of the strongest.</param>
    /// <param name="slow">When each device runs at a third, in seconds from its first unit; null: never.</param>
    /// <exception cref="UserErrorException">The machine was too busy to keep to the emulated times.</exception>
    public static async Task<EmulatedOutcome> RunAsync(string policy, bool isDynamic, IReadOnlyList<double> shares, Func<int, (double From, double To)?> slow)
    {
        var model = new EmulatedModel(new ServerTimes(ServerSeconds / 2, ServerSeconds / 2, 0), catchUp: DeviceSeconds / (MicroBatch * Length * Cut * ServerShare));
        var strongest = MicroBatch * Length * Cut * LayerCosts.BlockForwardPerToken(EmulatedModel.Gpt2Small, Length) / DeviceSeconds / 1e9;
        var outcome = await EmulatedCluster.RunAsync(model, new EmulatedData(Samples, Length), Cut, [
            $"splitfrozen.data.devices={shares.Count}", "splitfrozen.training.epochs=1", $"splitfrozen.training.batch-size={2 * MicroBatch}",
            $"splitfrozen.training.micro-batch-size={MicroBatch}", "splitfrozen.pipeline.grant-batches=2", "splitfrozen.pipeline.window=4",
            $"splitfrozen.pipeline.unit-tokens={MicroBatch * Length}", "splitfrozen.control.port=off", "splitfrozen.device.heartbeat-interval=200ms",
            $"splitfrozen.allocation.policy={policy}", $"splitfrozen.allocation.interval={(isDynamic ? "500ms" : "off")}", "splitfrozen.allocation.cool-down=1s",
            "splitfrozen.allocation.smoothing=0.5", $"splitfrozen.nodes=[{string.Join(", ", shares.Select((share, device) => Node(device, share * strongest, slow(device))))}]",
        ]).ConfigureAwait(false);
        return outcome.OnTime();
    }

    private static string Node(int device, double rate, (double From, double To)? slow)
    {
        string Text(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);
        var changes = slow is var (from, to) ? $", changes = [\"{Text(from)}s {Text(rate / 3)}\", \"{Text(to)}s {Text(rate)}\"]" : "";
        return $"{{ name = node-{device}, gigaflops = {Text(rate)}{changes} }}";
    }
}
