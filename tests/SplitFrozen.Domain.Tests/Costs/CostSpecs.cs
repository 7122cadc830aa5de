using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Costs;

public sealed class CostSpecs
{
    private static readonly ModelShape Gpt2Small = new(ModelFamily.Gpt2, 12, 768, 12, 12, 64, 3072, 50257, 1024, true, 4);
    private static readonly ModelShape SmolLm2 = new(ModelFamily.Llama, 30, 576, 9, 3, 64, 1536, 49152, 8192, true, 1.06);
    private static readonly LoraSpec Lora = new(8, 16, 0, []);

    [Fact(DisplayName = "GPT-2 small at 128 tokens: 14.55 MFLOP a token and block forward, 14.94 backward")]
    public void Should_give_the_known_figures()
    {
        Assert.Equal(14.549, LayerCosts.BlockForwardPerToken(Gpt2Small, 128) / 1e6, 3);
        Assert.Equal(14.942, LayerCosts.BlockBackwardPerToken(Gpt2Small, 128) / 1e6, 3);
    }

    [Fact(DisplayName = "Three device layers need 87.7 % less device compute than FedLoRA")]
    public void Should_give_the_saving()
    {
        var device = 3 * LayerCosts.BlockForwardPerToken(Gpt2Small, 128);
        var federated = 12 * (LayerCosts.BlockForwardPerToken(Gpt2Small, 128) + LayerCosts.BlockBackwardPerToken(Gpt2Small, 128));
        Assert.Equal(0.877, 1 - (device / federated), 3);
    }

    [Fact(DisplayName = "W with adapters on c_attn, rank 8, is 0.34 % of F")]
    public void Should_give_small_weight_gradients()
    {
        var flops = TrainingCosts.Block(Gpt2Small, Lora, [128]);
        Assert.Equal(2.0 * 8 * (768 + (3 * 768)) * 128, flops.BackwardWeights);
        Assert.Equal(0.0034, flops.BackwardWeights / flops.Forward, 4);
    }

    [Fact(DisplayName = "The last block of a classifier costs less than half; the first trained block has no input gradient")]
    public void Should_count_shortcuts()
    {
        var lengths = Enumerable.Repeat(128, 16).ToArray();
        var whole = TrainingCosts.Block(Gpt2Small, Lora, lengths);
        var last = TrainingCosts.Block(Gpt2Small, Lora, lengths, new BlockPlace(false, 16, true));
        var first = TrainingCosts.Block(Gpt2Small, Lora, lengths, new BlockPlace(true, null, false));

        Assert.InRange(last.Forward / whole.Forward, 0.15, 0.20);
        Assert.Equal(whole.Forward, first.Forward);
        Assert.Equal(2048 * 2.0 * 768 * ((3 * 768) + 8), whole.BackwardInput - first.BackwardInput);
    }

    [Fact(DisplayName = "Parameters and bytes of a block")]
    public void Should_give_bytes()
    {
        Assert.Equal(7_087_872, MemoryCosts.BlockParameters(Gpt2Small));
        Assert.Equal(3_540_096, MemoryCosts.BlockParameters(SmolLm2));
        Assert.Equal(4.0 * 7_087_872, MemoryCosts.BlockWeights(Gpt2Small, 4));
        Assert.Equal(6_291_456, MemoryCosts.Wire(Gpt2Small, 2048, 4));
        Assert.Equal(8 * (768 + 2304), MemoryCosts.AdapterParameters(Gpt2Small, Lora));
        Assert.Equal(8 * ((576 + 576) + (576 + 192)), MemoryCosts.AdapterParameters(SmolLm2, Lora));
    }

    [Fact(DisplayName = "A stage's costs are those of its blocks, and stages add up to the whole")]
    public void Should_add_up()
    {
        var spec = new TrainerSpec(TaskKind.Classification, 2, 15, Lora, 0, 0, 1);
        int[] lengths = [50, 60, 70];
        var whole = TrainingCosts.Stage(SmolLm2, spec, lengths, 3);
        var parts = new BlockRange(15, 30).Cut(4).Select(range => TrainingCosts.Stage(SmolLm2, spec with { Stage = range }, lengths, 3))
            .Aggregate((a, b) => a + b);

        Assert.Equal(whole.Forward, parts.Forward, 1e-12 * whole.Forward);
        Assert.Equal(whole.BackwardInput, parts.BackwardInput, 1e-12 * whole.Total);
        Assert.Equal(whole.BackwardWeights, parts.BackwardWeights, 1e-12 * whole.Total);
    }
}
