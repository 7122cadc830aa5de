using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Methods.Accounting;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods.Tests;

/// <summary>What runs cost by the cost model, held to formulas on samples of one length.</summary>
public sealed class MethodCostsSpecs
{
    private const int Length = 128;
    private const int Each = 64;
    private const int Devices = 4;
    private const int Epochs = 3;
    private const int Cut = 3;
    private static readonly ModelShape Shape = KnownShapes.Find("gpt2-small");
    private static readonly LoraSpec Lora = new(8, 16, 0, []);
    private static readonly TrainerSpec Trainer = new(TaskKind.Classification, 2, 0, Lora, 0, 0, 1);

    [Fact(DisplayName = "A device of SplitFrozen runs C frozen blocks forward, once where activations are kept and every epoch where not")]
    public void Should_count_forward_only()
    {
        var (kept, off) = (Costs().SplitFrozen(Cut, kept: 1), Costs().SplitFrozen(Cut, kept: 0));
        var perToken = Cut * LayerCosts.BlockForwardPerToken(Shape, Length);

        Assert.Equal(perToken, kept.DeviceFlopsPerToken, 1e-3);
        Assert.Equal(perToken, off.DeviceFlopsPerToken, 1e-3);
        Assert.Equal(Each * Length * perToken, kept.Devices[0].Flops, 1);
        Assert.Equal(Epochs * kept.DeviceFlops, off.DeviceFlops, 1);
        Assert.Equal(0, kept.MeanBytesDown);
        Assert.InRange(kept.Devices[0].BytesUp, Each * Length * 768 * 4, (Each * Length * 768 * 4) + 2000);
        Assert.Equal(Epochs * kept.MeanBytesUp, off.MeanBytesUp, 1e-6);
        Assert.True(kept.WallSeconds < off.WallSeconds);
        Assert.True(off.WallSeconds >= off.Stages.Server);
    }

    [Theory(DisplayName = "What the store has no room for is run and sent again in every epoch")]
    [InlineData(StoreMode.Off, 1 << 30, 0.0)]
    [InlineData(StoreMode.Memory, 1 << 30, 1.0)]
    [InlineData(StoreMode.Memory, Devices * Each * Length * 768 * 2, 0.5)]
    [InlineData(StoreMode.Disk, Devices * Each * Length * 768 * 2, 1.0)]
    public void Should_keep_what_has_room(StoreMode mode, long memory, double share)
    {
        var costs = Costs(store: new StoreSettings(mode, ActivationCodec.Fp32, memory, 1 << 30, null, null));
        var (kept, cost) = (costs.KeptShare(), costs.Of(TrainingMethods.SplitFrozen));

        Assert.Equal(share, kept, 1e-3);
        Assert.Equal((1 + ((Epochs - 1) * (1 - kept))) * Costs().SplitFrozen(Cut, kept: 1).MeanBytesUp, cost.MeanBytesUp, 1e-6);
        Assert.InRange(cost.WallSeconds, Costs().SplitFrozen(Cut, kept: 1).WallSeconds, Costs().SplitFrozen(Cut, kept: 0).WallSeconds);
    }

    [Fact(DisplayName = "A device of FedLoRA runs all blocks forward and backward; adapters and head travel each round, half of the adapters' A with FFA-LoRA not")]
    public void Should_count_federated()
    {
        var cost = Costs().FedLora();
        var ffa = Costs(fed: FedLoraSettings.Default with { Variant = FedLoraVariant.Ffa }).FedLora();
        int[] batch = [.. Enumerable.Repeat(Length, 16)];
        var step = TrainingCosts.Stage(Shape, Trainer, batch, 16).Total;

        Assert.Equal(Epochs * (Each / 16) * step, cost.Devices[0].Flops, 1);
        Assert.Equal(Epochs * 4.0 * ((12 * 8 * (768 + 2304)) + (2 * 768)), cost.MeanBytesUp, 1e-6);
        Assert.Equal(cost.MeanBytesUp, cost.MeanBytesDown);
        Assert.Equal(Epochs * 4.0 * ((12 * 8 * 2304) + (2 * 768)), ffa.MeanBytesUp, 1e-6);
        var seconds = Epochs * ((Each / 16 * step / 1e12) + (2 * cost.MeanBytesUp / Epochs / 75e6));
        Assert.Equal(seconds, cost.WallSeconds, 1e-9);
    }

    [Fact(DisplayName = "A device of SplitLoRA runs k blocks forward and backward, and bytes go both ways; sequential time is the sum of all parts")]
    public void Should_count_split()
    {
        var cost = Costs(split: new SplitLoraSettings(Cut, 4, SplitLoraOrder.Sequential)).SplitLora();
        var parallel = Costs(split: new SplitLoraSettings(Cut, 4, SplitLoraOrder.Parallel)).SplitLora();
        int[] batch = [.. Enumerable.Repeat(Length, 16)];
        var step = TrainingCosts.Stage(Shape, Trainer with { Stage = new BlockRange(0, Cut) }, batch, 0).Total;
        var averages = Epochs * 4.0 * Cut * 8 * (768 + 2304);
        const double rows = Epochs * Each * Length * 768.0 * 4;

        Assert.Equal(Epochs * (Each / 16) * step, cost.Devices[0].Flops, 1);
        Assert.InRange(cost.MeanBytesUp, rows + averages, rows + averages + 10_000);
        Assert.InRange(cost.MeanBytesDown, rows + averages, rows + averages + 10_000);
        var parts = (cost.DeviceFlops / 1e12) + (cost.ServerFlops / 6e12) + (Devices * (cost.MeanBytesUp + cost.MeanBytesDown - (2 * averages)) / 75e6) + (2 * averages / 75e6);
        Assert.Equal(parts, cost.WallSeconds, 1e-6);
        Assert.InRange(parallel.WallSeconds, cost.WallSeconds / Devices, cost.WallSeconds);
    }

    [Fact(DisplayName = "Central training computes what a device of FedLoRA with all data would, and nothing on devices")]
    public void Should_count_central()
    {
        var cost = Costs().CenLora(0);

        Assert.Equal(Costs().FedLora().DeviceFlops, cost.ServerFlops, 1);
        Assert.Equal((0, 0.0), (cost.Devices.Count, cost.MeanBytesUp));
        Assert.True(Costs().CenLora(Cut).ServerFlops < cost.ServerFlops);
    }

    [Fact(DisplayName = "Weights as stored take their bytes, and the largest matrix expanded")]
    public void Should_count_weights_as_stored()
    {
        var memory = new DeviceMemory(Shape, Trainer);

        Assert.Equal(memory.Weights(3, 4) / 2 + (4.0 * 768 * 3072), memory.Weights(3, 2), 1e-6);
        Assert.Equal(memory.ForwardOnly(3, 100) - memory.Weights(3, 4), memory.ForwardOnly(3, 100, 2) - memory.Weights(3, 2), 1e-6);
    }

    [Fact(DisplayName = "Memory: SplitFrozen's devices need least, FedLoRA's most")]
    public void Should_order_memory()
    {
        var costs = Costs(split: new SplitLoraSettings(Cut, 4, SplitLoraOrder.Sequential));

        Assert.True(costs.SplitFrozen(Cut, 1).PeakBytes < costs.SplitLora().PeakBytes);
        Assert.True(costs.SplitLora().PeakBytes < costs.FedLora().PeakBytes);
    }

    [Fact(DisplayName = "Devices that fail are sent the average and cost nothing else")]
    public void Should_not_charge_devices_that_fail()
    {
        var cost = Costs(fed: FedLoraSettings.Default with { DropoutRate = 0.999999 }).FedLora();

        Assert.Equal((0.0, 0.0), (cost.DeviceFlops, cost.MeanBytesUp));
        Assert.True(cost.MeanBytesDown > 0);
    }

    private static MethodCosts Costs(FedLoraSettings? fed = null, SplitLoraSettings? split = null, StoreSettings? store = null)
    {
        var training = MethodRuns.Training() with { Epochs = Epochs, BatchSize = 16, MicroBatchSize = 16 };
        var settings = new Settings(
            new ModelSettings("", Cut, "cpu"), new DataSettings("", null!, 0, Length, 0, null!), Lora, training, new PipelineSettings(8, 3, 2048),
            new ChannelSettings("", 0, 4, 1 << 26, ActivationCodec.Fp32), null!, null!, null!, null!, [],
            new AllocationSettings(BuiltInPolicies.Static, 1, 0.1, TimeSpan.Zero, 8, 0.5, new Dictionary<string, int>()), null!, null!,
            store ?? new StoreSettings(StoreMode.Memory, ActivationCodec.Fp32, 1 << 30, 1 << 30, null, null))
        {
            FedLora = fed ?? FedLoraSettings.Default,
            SplitLora = split ?? SplitLoraSettings.Default,
        };
        var samples = Enumerable.Repeat(new EncodedSample(new int[Length], [0]), Each).ToList();
        return new MethodCosts(
            settings, Shape, Trainer, [.. Enumerable.Range(0, Devices).Select(d => new LocalData(SharedDevices.Id(d), samples, LocalOrder.Of(training)))], EmulatedFleet.Paper);
    }
}
