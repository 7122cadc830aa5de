using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Sampling;

/// <summary>Random numbers that every machine draws alike.</summary>
public sealed class SeededRandomSpecs
{
    [Property(DisplayName = "A stream is a function of seed, purpose and numbers")]
    public void Should_repeat(long seed, long stream) =>
        Assert.Equal(Bits(SeededRandom.For(seed, "a", stream)), Bits(SeededRandom.For(seed, "a", stream)));

    [Fact(DisplayName = "Seeds, purposes and numbers tell streams apart")]
    public void Should_keep_streams_apart()
    {
        SeededRandom[] streams =
        [
            SeededRandom.For(1, "a"), SeededRandom.For(2, "a"), SeededRandom.For(1, "b"), SeededRandom.For(1, "a", 0), SeededRandom.For(1, "a", 1),
            SeededRandom.For(1, "a", 0, 1), SeededRandom.For(1, "a", 1, 0),
        ];

        Assert.Equal(streams.Length, streams.Select(s => Bits(s)[0]).Distinct().Count());
    }

    [Fact(DisplayName = "The draws of this version are those of every other: partitions and plans of old runs can be repeated")]
    public void Should_never_change()
    {
        var random = SeededRandom.For(1, "sampling plan", 0);

        Assert.Equal(3170375461785514936UL, random.NextBits());
        Assert.Equal(8853285118063782812UL, random.NextBits());
    }

    [Property(DisplayName = "A bounded draw keeps its bound")]
    public void Should_stay_below(long seed, PositiveInt n)
    {
        var random = SeededRandom.For(seed, "below");

        Assert.All(Enumerable.Range(0, 20), _ => Assert.InRange(random.Below(n.Get), 0, n.Get - 1));
    }

    [Fact(DisplayName = "A bounded draw favours no number")]
    public void Should_be_uniform()
    {
        var random = SeededRandom.For(5, "below");
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++)
        {
            counts[random.Below(counts.Length)]++;
        }

        // Binomial with mean 10,000 and deviation 93.
        Assert.All(counts, c => Assert.InRange(c, 9_500, 10_500));
    }

    [Property(DisplayName = "A shuffle loses and doubles nothing")]
    public void Should_permute(long seed, int[] values)
    {
        int[] shuffled = [.. values];
        SeededRandom.For(seed, "shuffle").Shuffle(shuffled.AsSpan());

        Assert.Equal(values.Order(), shuffled.Order());
    }

    [Property(DisplayName = "Dirichlet shares are finite, not negative, and add up to one, at any concentration")]
    public void Should_draw_shares(long seed, byte exponent, byte devices)
    {
        var alpha = Math.Pow(10, (exponent % 13) - 6);
        var shares = SeededRandom.For(seed, "shares").Dirichlet(alpha, 1 + (devices % 50));

        Assert.All(shares, s => Assert.InRange(s, 0, 1));
        Assert.Equal(1, shares.Sum(), 9);
    }

    [Fact(DisplayName = "Shares of a concentration of 0.5 have the mean and the variance of the distribution")]
    public void Should_have_the_distributions_moments()
    {
        var random = SeededRandom.For(11, "moments");
        double[] first = [.. Enumerable.Range(0, 20_000).Select(_ => random.Dirichlet(0.5, 4)[0])];
        var mean = first.Average();
        var variance = first.Average(x => (x - mean) * (x - mean));

        // Mean 1/K; variance (1/K)(1 − 1/K) / (αK + 1).
        Assert.Equal(0.25, mean, 0.01);
        Assert.Equal(0.25 * 0.75 / 3, variance, 0.003);
    }

    [Property(DisplayName = "A sample's key depends on device and index alone, and keys do not meet")]
    public void Should_name_samples(byte index)
    {
        var keys = new[] { SampleKey.Of(new DeviceId("a"), index), SampleKey.Of(new DeviceId("b"), index), SampleKey.Of(new DeviceId("a"), index + 1) };

        Assert.Equal(keys[0], SampleKey.Of(new DeviceId("a"), index));
        Assert.Equal(3, keys.Distinct().Count());
    }

    private static ulong[] Bits(SeededRandom random) => [.. Enumerable.Range(0, 8).Select(_ => random.NextBits())];
}
