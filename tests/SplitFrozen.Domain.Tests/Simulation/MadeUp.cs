using FsCheck;
using FsCheck.Fluent;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Tests.Simulation;

/// <summary>Fleets for simulations.</summary>
public static class MadeUp
{
    public static readonly ModelShape Shape = new(ModelFamily.Gpt2, 8, 64, 4, 4, 16, 256, 1000, 128, true, 4);

    public static TrainerSpec Trainer(int cut, TaskKind task = TaskKind.Classification) => new(task, 2, cut, new LoraSpec(8, 16, 0, []), 0, 0, 1);

    public static AllocationSettings Settings { get; } = new("proportional", 1, 0.2, TimeSpan.FromSeconds(1), 4, 0.5, new Dictionary<string, int>());

    public static FaultSpec NoFaults { get; } = new([], null, 60);

    public static TrainingSettings Training(int epochs, int batch, int micro, long seed = 1) => new(
        TrainingMethods.SplitFrozen, null, epochs, batch, micro, 1e-3, 0, LearningRateDecay.Linear, 0, 0, seed, 1, 200);

    public static IAllocationPolicy Always(int layers, int devices) =>
        new ManualPolicy(Enumerable.Range(0, devices).ToDictionary(d => $"d{d}", _ => layers));

    public static SimulatedNode Node(int index, double flops, double link = double.PositiveInfinity, double latency = 0, long? memory = null, params RateChange[] changes) =>
        new($"n{index}", flops, link, latency, memory, changes);

    /// <summary>A small fleet of random profiles, with or without crashes and slow-downs.</summary>
    public static Arbitrary<FleetSpec> FleetSpec() => (
        from devices in Gen.Choose(1, 6)
        from nodes in Gen.Choose(1, devices)
        from rates in Gen.ArrayOf(Gen.Choose(1, 50), nodes)
        from links in Gen.ArrayOf(Gen.Elements(1e4, 1e6, double.PositiveInfinity), nodes)
        from samples in Gen.ArrayOf(Gen.Choose(0, 25), devices)
        from lengths in Gen.ArrayOf(Gen.Choose(1, 40), devices)
        from batch in Gen.Choose(1, 12)
        from micro in Gen.Choose(1, batch)
        from grants in Gen.Choose(1, 4)
        from window in Gen.Choose(1, 4)
        from credits in Gen.Choose(1, 4)
        from stages in Gen.Choose(1, 3)
        from shares in Gen.Elements(true, false)
        from epochs in Gen.Choose(1, 3)
        from crash in Gen.ListOf(Crash(nodes), 3)
        from every in Gen.Elements<double?>(null, 0.5)
        from policy in Gen.Elements<IAllocationPolicy>(new ProportionalPolicy(), new BalancedPolicy(), new StaticPolicy())
        from seed in Gen.Choose(0, 1000)
        where samples.Sum() > 0
        select new FleetSpec(
            [.. rates.Select((r, i) => Node(i, r * 1e6, links[i], i % 2 * 0.01, null, new RateChange(1, r * 3e5, links[i])))],
            [.. samples.Select((n, i) => new SimulatedDevice(new DeviceId($"d{i}"), i % nodes, [.. Enumerable.Range(0, n).Select(s => 1 + ((lengths[i] + (7 * s)) % 40))]))],
            new SimulatedServer(5e7, stages, shares, 0.001), new ModelCosts(Shape, Trainer(4), stages, ActivationCodec.Fp32), 4, Training(epochs, batch, micro, seed),
            new PipelineSettings(grants, window, 64, 1, ScheduleKind.ZbH1, 0), credits, new AllocationPlan(policy, Settings, every),
            new FaultSpec([.. crash], null, 5))).ToArbitrary();

    private static Gen<NodeCrash> Crash(int nodes) =>
        from node in Gen.Choose(0, nodes - 1)
        from at in Gen.Choose(0, 40)
        from rejoin in Gen.Choose(0, 30)
        select new NodeCrash(node, at / 10.0, rejoin / 10.0);

    /// <summary>Costs in seconds, the same for every unit and micro-batch, for rates of one.</summary>
    public sealed record Fixed(double Block, double Send, double Forward, double Backward, double Weights) : IWorkCosts
    {
        public long BlockBytes => 0;

        public double FrozenBlock(ReadOnlySpan<int> lengths) => Block;

        public double Trainer(OperationKind kind, int stage, ReadOnlySpan<int> lengths) =>
            kind == OperationKind.Forward ? Forward : kind == OperationKind.BackwardInput ? Backward : Weights;

        public double UnitBytes(int samples, int tokens) => Send;
    }
}
