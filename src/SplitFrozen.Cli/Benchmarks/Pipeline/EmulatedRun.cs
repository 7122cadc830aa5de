using System.Diagnostics;
using System.Globalization;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

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

    private static ModelShape Shape => new EmulatedModel(new ServerTimes(0, 0, 0)).Shape;

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
        var akka = SettingsReader.Load([], [
            .. RealRun.Quiet,
            "splitfrozen.model.path=/", "splitfrozen.data.path=/", "splitfrozen.data.devices=1", "splitfrozen.data.partition=iid", "splitfrozen.training.epochs=1",
            $"splitfrozen.training.batch-size={EmulatedProfile.UnitSamples}", $"splitfrozen.training.micro-batch-size={EmulatedProfile.UnitSamples}",
            "splitfrozen.training.checkpoint-steps=1000000", "splitfrozen.pipeline.grant-batches=1", $"splitfrozen.pipeline.window={window}",
            $"splitfrozen.pipeline.unit-tokens={EmulatedProfile.UnitSamples * EmulatedProfile.Length}", "splitfrozen.store.mode=off",
            $"splitfrozen.nodes=[{{ name = device, gigaflops = {Number(profile.DeviceGigaFlops)}, link-megabits = {Number(profile.LinkMegabits)} }}]"]);
        var settings = SettingsReader.Read(akka);
        var model = new EmulatedModel(profile.Server);
        var data = new EmulatedData(units * EmulatedProfile.UnitSamples, EmulatedProfile.Length);
        var folder = Directory.CreateTempSubdirectory("splitfrozen-bench-").FullName;
        try
        {
            var watch = new Watch();
            var spec = new RunSpec(
                "bench", model.Fingerprint, TaskKind.Classification, [.. data.Labels], profile.Cut, EmulatedProfile.Length, settings.Pipeline.UnitTokens,
                settings.Channel.Credits, 1, settings.Data.Partition with { ValidationShare = 0 }, 1000, ActivationCodec.Fp32);
            var trainer = new TrainerSpec(TaskKind.Classification, 1, profile.Cut, settings.Lora, 0, 0, 1);
            var sets = new HeldOutSets("test", data.Encode(DataSplit.Test, [0]), "none", []);
            var run = new ServerRun(settings, model, data, sets, spec, trainer, new RunPaths(folder), watch, CancellationToken.None);
            var summary = await LocalCluster.RunAsync(run, new DeviceData(data, OwnFolder: false, Part: null), akka).ConfigureAwait(false);
            return new EmulatedResult(watch.Seconds, (double)summary.Devices[0].Overruns / summary.Devices[0].Operations);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
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
