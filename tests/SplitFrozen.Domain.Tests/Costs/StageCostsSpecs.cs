using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;

using Xunit;

namespace SplitFrozen.Domain.Tests.Costs;

/// <summary>GPT-2 small against the published formulas.</summary>
public sealed class StageCostsSpecs
{
    private const int H = 768;
    private const int S = 128;
    private static readonly ModelShape Gpt2Small = new(ModelFamily.Gpt2, 12, H, 12, 12, 64, 4 * H, 50257, 1024, true, 4);
    private static readonly ModelShape Llama = new(ModelFamily.Llama, 16, 2048, 32, 8, 64, 8192, 128256, 131072, true, 2);

    [Fact(DisplayName = "F, B and W of a GPT-2 block are those of the zero bubble paper")]
    public void Should_equal_the_published_formulas()
    {
        Assert.Equal(H * ((24.0 * H) + (4 * S)), StageCosts.Forward(Gpt2Small, S));
        Assert.Equal(H * ((24.0 * H) + (8 * S)), StageCosts.BackwardInput(Gpt2Small, S));
        Assert.Equal(24.0 * H * H, StageCosts.AllWeights(Gpt2Small));
    }

    [Fact(DisplayName = "With adapters W is a fraction of a percent of F")]
    public void Should_be_small_with_adapters()
    {
        Assert.Equal(2 * 8 * 4 * H, StageCosts.AdapterWeights(Gpt2Small, 8));
        Assert.Equal(2 * 8 * ((2 * 2048) + 2048 + 512), StageCosts.AdapterWeights(Llama, 8));
        Assert.InRange(StageCosts.AdapterWeights(Gpt2Small, 8) / StageCosts.Forward(Gpt2Small, S), 0.001, 0.01);
    }
}
