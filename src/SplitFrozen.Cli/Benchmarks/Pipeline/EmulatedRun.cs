using System.Globalization;

using SplitFrozen.Cli.Emulation;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Cli.Benchmarks.Pipeline;

/// <summary>What is emulated: a device, its link and a server, and units of 16 samples of 128 tokens × 768 in fp32 (6 MiB).</summary>
/// <param name="Name">For the report.</param>
/// <param name="Cut">The frozen line C: blocks that the device runs.</param>
/// <param name="DeviceGigaFlops">Rate of the device.</param>
/// <param name="LinkMegabits">Rate of the link.</param>
/// <param name="ServerGigaFlops">Rate of the server.</param>
internal sealed record EmulatedProfile(string Name, int Cut, double DeviceGigaFlops, double LinkMegabits, double ServerGigaFlops)
{
    /// <summary>Samples of a unit.</summary>
    public const int UnitSamples = 16;

    /// <summary>Tokens of a sample.</summary>
    public const int Length = 128;

    private const int Layers = 12;
    private const int Width = 768;

    /// <summary>W over F with adapters of rank 8 on c_attn: 2 · r · (D + 3D) more weights beside 12 D² (facts of the cost model).</summary>
    private const double AdapterShare = 0.0034;

    /// <summary>Td.</summary>
    public double DeviceSeconds => Cut * BlockFlops / (DeviceGigaFlops * 1e9);

    /// <summary>Tt, headers not counted.</summary>
    public double LinkSeconds => UnitSamples * Length * Width * 4.0 * 8 / (LinkMegabits * 1e6);

    /// <summary>F, B and W of the server. B has the attention's products twice and no weight gradients.</summary>
    public ServerTimes Server
    {
        get
        {
            var forward = (Layers - Cut) * BlockFlops / (ServerGigaFlops * 1e9);
            var attention = 4.0 * Length * Width / LayerCosts.BlockForwardPerToken(Shape, Length);
            return new ServerTimes(forward, forward * (1 + attention), forward * AdapterShare);
        }
    }

    /// <summary>Seconds of a device that would train its blocks too: its backward pass and the gradients' way back.</summary>
    public double DeviceBackwardSeconds => (DeviceSeconds * Server.BackwardInput / Server.Forward) + LinkSeconds;

    /// <summary>One unit after another: M (Td + Tt + Ts).</summary>
    public double Sequential(int units) => units * (DeviceSeconds + LinkSeconds + Server.Total);

    /// <summary>The least that three stages which overlap can take: Td + Tt + Ts + (M − 1) max(Td, Tt, Ts).</summary>
    public double Bound(int units) =>
        DeviceSeconds + LinkSeconds + Server.Total + ((units - 1) * Math.Max(DeviceSeconds, Math.Max(LinkSeconds, Server.Total)));

    private static ModelShape Shape => EmulatedModel.Gpt2Small;

    private static double BlockFlops => UnitSamples * Length * LayerCosts.BlockForwardPerToken(Shape, Length);
}

/// <summary>What an emulated run took.</summary>
/// <param name="Seconds">From the first grant to the last step.</param>
/// <param name="OverrunShare">Share of the devices' operations whose real time exceeded the emulated one.</param>
internal sealed record EmulatedResult(double Seconds, double OverrunShare);

/// <summary>Runs the real actors and the real channel on an emulated device, link and server.</summary>
internal static class EmulatedRun
{
    /// <summary>Runs so many units, each a global batch of its own.</summary>
    /// <param name="profile">What is emulated.</param>
    /// <param name="units">M.</param>
    /// <param name="window">Grants in flight: 1 is one unit after another.</param>
    public static async Task<EmulatedResult> RunAsync(EmulatedProfile profile, int units, int window)
    {
        string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
        var outcome = await EmulatedCluster.RunAsync(
            new EmulatedModel(profile.Server), new EmulatedData(units * EmulatedProfile.UnitSamples, EmulatedProfile.Length), profile.Cut,
            [
                "splitfrozen.data.devices=1", "splitfrozen.training.epochs=1", $"splitfrozen.training.batch-size={EmulatedProfile.UnitSamples}",
                $"splitfrozen.training.micro-batch-size={EmulatedProfile.UnitSamples}", "splitfrozen.pipeline.grant-batches=1", $"splitfrozen.pipeline.window={window}",
                $"splitfrozen.pipeline.unit-tokens={EmulatedProfile.UnitSamples * EmulatedProfile.Length}",
                $"splitfrozen.nodes=[{{ name = device, gigaflops = {Number(profile.DeviceGigaFlops)}, link-megabits = {Number(profile.LinkMegabits)} }}]",
            ]).ConfigureAwait(false);
        var device = outcome.Summary.Devices[0];
        return new EmulatedResult(outcome.Seconds, (double)device.Overruns / device.Operations);
    }
}
