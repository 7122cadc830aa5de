using System.Globalization;

using SplitFrozen.Cli.Emulation;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Costs;

namespace SplitFrozen.Cli.Experiments;

/// <summary>
/// Runs a real cluster on four emulated devices, some of which run at a third of their rate for a time, and a server that trains and completes layers on two emulated processors:
/// with layers dealt out once or anew.
/// </summary>
internal static class EmulatedDrift
{
    /// <summary>Whose counts the devices get.</summary>
    public const string Policy = BuiltInPolicies.Proportional;

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
    /// <param name="trace">One of <see cref="DriftTraces.All"/>.</param>
    /// <param name="isDynamic">Whether layers are dealt out anew.</param>
    /// <param name="samples">Samples, evenly on the devices.</param>
    public static Task<EmulatedOutcome> RunAsync(string trace, bool isDynamic, int samples = Samples)
    {
        var model = new EmulatedModel(new ServerTimes(ServerSeconds / 2, ServerSeconds / 2, 0), catchUp: DeviceSeconds / (MicroBatch * Length * Cut * ServerShare));
        var strongest = MicroBatch * Length * Cut * LayerCosts.BlockForwardPerToken(EmulatedModel.Gpt2Small, Length) / DeviceSeconds / 1e9;
        return EmulatedCluster.RunAsync(model, new EmulatedData(samples, Length), Cut, [
            $"splitfrozen.data.devices={DriftTraces.GigaFlops.Count}", "splitfrozen.training.epochs=1", $"splitfrozen.training.batch-size={2 * MicroBatch}",
            $"splitfrozen.training.micro-batch-size={MicroBatch}", "splitfrozen.pipeline.grant-batches=2", "splitfrozen.pipeline.window=4",
            $"splitfrozen.pipeline.unit-tokens={MicroBatch * Length}", "splitfrozen.device.heartbeat-interval=200ms",
            $"splitfrozen.allocation.policy={Policy}", $"splitfrozen.allocation.interval={(isDynamic ? "500ms" : "off")}", "splitfrozen.allocation.cool-down=1s",
            "splitfrozen.allocation.smoothing=0.5", $"splitfrozen.nodes=[{string.Join(", ", DriftTraces.GigaFlops.Select((g, device) => Node(device, g / DriftTraces.GigaFlops[0] * strongest, Slow(trace, device))))}]",
        ]);
    }

    /// <summary>When a device runs at a third, in seconds from its first unit; never from 0 on, where its rate is measured.</summary>
    private static (double From, double To)? Slow(string trace, int device) => trace switch
    {
        DriftTraces.Drifting when device == 0 => (3, 8),
        DriftTraces.InTurn => (1 + (3 * device), 4 + (3 * device)),
        _ => null,
    };

    private static string Node(int device, double rate, (double From, double To)? slow)
    {
        string Text(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);
        var changes = slow is var (from, to) ? $", changes = [\"{Text(from)}s {Text(rate / 3)}\", \"{Text(to)}s {Text(rate)}\"]" : "";
        return $"{{ name = node-{device}, gigaflops = {Text(rate)}{changes} }}";
    }
}
