using System.Runtime.Intrinsics;
using FsCheck.Xunit;
using SplitFrozen.Model.Blocks;

namespace SplitFrozen.Model.Tests.Blocks;

public sealed class FastExponentialSpecs
{
    [Fact(DisplayName = "Within two units in the last place over the whole range")]
    public void Should_be_the_exponential()
    {
        for (float x = -87; x < 88; x += 0.001f)
        {
            ShouldBeClose(x);
        }
    }

    [Property(DisplayName = "Within two units in the last place for any number in range")]
    public void Should_be_the_exponential_of(int numerator) => ShouldBeClose(numerator % 87_000 / 1000f);

    [Theory(DisplayName = "Zero, infinity and what is no number")]
    [InlineData(float.NegativeInfinity, 0)]
    [InlineData(-1e30f, 0)]
    [InlineData(-88f, 0)]
    [InlineData(-1e-30f, 1)]
    [InlineData(0f, 1)]
    [InlineData(88.5f, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Should_keep_the_ends(float x, float expected) => Assert.Equal(expected, Of(x));

    private static void ShouldBeClose(float x)
    {
        float expected = (float)Math.Exp(x);
        float unit = MathF.BitIncrement(expected) - expected;
        Assert.InRange(Of(x), expected - (2 * unit), expected + (2 * unit));
    }

    private static float Of(float x) => FastExponential.Of(Vector256.Create(x))[3];
}
