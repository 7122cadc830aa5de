using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Domain.Generation;

using Xunit;

namespace SplitFrozen.Domain.Tests.Generation;

/// <summary>How tokens are drawn.</summary>
public sealed class TokenSamplerSpecs
{
    public static Arbitrary<float[]> Logits() =>
        Gen.Choose(-4000, 4000).Select(n => n / 500f).NonEmptyListOf().Select(l => l.ToArray()).ToArbitrary();

    [Property(Arbitrary = [typeof(TokenSamplerSpecs)])]
    public void Should_take_the_largest_when_greedy(float[] logits)
    {
        var largest = Array.IndexOf(logits, logits.Max());

        Assert.Equal(largest, new TokenSampler(SamplingSpec.Greedy, logits.Length).Next(logits));
        Assert.Equal(logits[largest], logits[new TokenSampler(new SamplingSpec(1, 1, 1, 3), logits.Length).Next(logits)]);
    }

    [Property(Arbitrary = [typeof(TokenSamplerSpecs)])]
    public void Should_draw_from_the_top_k_only(float[] logits, PositiveInt k, long seed)
    {
        var drawn = new TokenSampler(new SamplingSpec(1.3, k.Get, 1, seed), logits.Length).Next(logits);

        Assert.True(logits.Count(l => l > logits[drawn]) < k.Get);
    }

    [Property(Arbitrary = [typeof(TokenSamplerSpecs)])]
    public void Should_draw_from_the_nucleus_only(float[] logits, long seed)
    {
        const double TopP = 0.6;
        var drawn = new TokenSampler(new SamplingSpec(1, 0, TopP, seed), logits.Length).Next(logits);

        var sum = logits.Sum(l => Math.Exp(l));
        var above = logits.Where(l => l > logits[drawn]).Sum(l => Math.Exp(l)) / sum;
        Assert.True(above < TopP + 1e-9, $"{above} of the probability lies above the token drawn");
    }

    [Property(Arbitrary = [typeof(TokenSamplerSpecs)])]
    public void Should_draw_the_same_from_the_same_seed(float[] logits, long seed)
    {
        var spec = new SamplingSpec(0.8, 0, 0.9, seed);
        var (first, second) = (new TokenSampler(spec, logits.Length), new TokenSampler(spec, logits.Length));

        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal(first.Next(logits), second.Next(logits)));
    }

    [Fact]
    public void Should_draw_each_token_as_often_as_the_tempered_softmax_says()
    {
        float[] logits = [0, 1, 2, -1];
        const double Temperature = 2;
        const int Draws = 40_000;
        var sampler = new TokenSampler(new SamplingSpec(Temperature, 0, 1, 11), logits.Length);

        var counts = new int[logits.Length];
        for (var i = 0; i < Draws; i++)
        {
            counts[sampler.Next(logits)]++;
        }

        var sum = logits.Sum(l => Math.Exp(l / Temperature));
        for (var i = 0; i < logits.Length; i++)
        {
            var share = Math.Exp(logits[i] / Temperature) / sum;
            var deviation = Math.Sqrt(share * (1 - share) / Draws);
            Assert.InRange((double)counts[i] / Draws, share - (5 * deviation), share + (5 * deviation));
        }
    }

    [Theory]
    [InlineData(-1, 0, 1, "--temperature")]
    [InlineData(double.NaN, 0, 1, "--temperature")]
    [InlineData(1, -1, 1, "--top-k")]
    [InlineData(1, 0, 0, "--top-p")]
    [InlineData(1, 0, 1.1, "--top-p")]
    public void Should_name_the_option_that_is_out_of_range(double temperature, int topK, double topP, string option)
    {
        var error = Assert.Throws<UserErrorException>(() => new TokenSampler(new SamplingSpec(temperature, topK, topP, 1), 4));

        Assert.StartsWith(option, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Should_refuse_logits_that_are_no_numbers(float logit) =>
        Assert.Throws<UserErrorException>(() => new TokenSampler(SamplingSpec.Greedy, 2).Next([0, logit]));
}
