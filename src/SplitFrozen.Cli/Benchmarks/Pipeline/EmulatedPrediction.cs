using SplitFrozen.Cli.Emulation;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Benchmarks.Pipeline;

/// <summary>What the fleet simulator says about a run of <see cref="EmulatedRun"/>: the same grants, units, credits and times.</summary>
internal static class EmulatedPrediction
{
    /// <summary>Seconds from the first grant to the last step.</summary>
    /// <param name="profile">What is emulated.</param>
    /// <param name="units">M.</param>
    /// <param name="window">Grants in flight.</param>
    /// <param name="settings">Credits, and rates of learning that leave no trace.</param>
    public static double Seconds(EmulatedProfile profile, int units, int window, Settings settings)
    {
        int[] lengths = [.. Enumerable.Repeat(EmulatedProfile.Length, units * EmulatedProfile.UnitSamples)];
        var training = settings.Training with { Epochs = 1, BatchSize = EmulatedProfile.UnitSamples, MicroBatchSize = EmulatedProfile.UnitSamples };
        var pipeline = settings.Pipeline with { GrantBatches = 1, Window = window, UnitTokens = EmulatedProfile.UnitSamples * EmulatedProfile.Length };
        return FleetSimulator.Run(new FleetSpec(
            [new SimulatedNode("device", profile.DeviceGigaFlops * 1e9, profile.LinkMegabits * 1e6 / 8, 0, null, [])],
            [new SimulatedDevice(new DeviceId("device-0"), 0, lengths)], new SimulatedServer(profile.ServerGigaFlops * 1e9, 1, SharesCompute: false, 0),
            new Costs(profile), profile.Cut, training, pipeline, settings.Channel.Credits,
            new AllocationPlan(new StaticPolicy(), settings.Allocation, null), new FaultSpec([], null, 1))).TotalSeconds;
    }

    private sealed class Costs(EmulatedProfile profile) : IWorkCosts
    {
        private static readonly ModelShape Shape = EmulatedModel.Gpt2Small;

        public long BlockBytes => 0;

        public double FrozenBlock(ReadOnlySpan<int> lengths) => LayerCosts.BlockForward(Shape, lengths);

        public double Trainer(OperationKind kind, int stage, ReadOnlySpan<int> lengths) => profile.ServerGigaFlops * 1e9 * (kind switch
        {
            OperationKind.Forward => profile.Server.Forward,
            OperationKind.BackwardInput => profile.Server.BackwardInput,
            _ => profile.Server.BackwardWeights,
        });

        public double UnitBytes(int samples, int tokens) => MemoryCosts.Wire(Shape, tokens, sizeof(float));
    }
}
