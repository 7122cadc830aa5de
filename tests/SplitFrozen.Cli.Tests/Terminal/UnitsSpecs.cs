using SplitFrozen.Cli.Terminal;

namespace SplitFrozen.Cli.Tests.Terminal;

public sealed class UnitsSpecs
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.00 KiB")]
    [InlineData(158_560, "155 KiB")]
    [InlineData(5_000_000_000, "4.66 GiB")]
    public void Should_write_bytes(long bytes, string text) => Assert.Equal(text, Units.Bytes(bytes));

    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(9.96, "10.0 s")]
    [InlineData(42, "42 s")]
    [InlineData(252.4, "4 min 12 s")]
    [InlineData(7322, "2 h 02 min")]
    public void Should_write_durations(double seconds, string text) => Assert.Equal(text, Units.Seconds(seconds));

    [Theory]
    [InlineData(999, "999")]
    [InlineData(8798, "8.80 k")]
    [InlineData(1.26e12, "1.26 T")]
    public void Should_write_counts(double count, string text) => Assert.Equal(text, Units.Count(count));

    [Fact]
    public void Should_write_a_dash_for_what_is_not_known()
    {
        Assert.Equal("–", Units.Share(null));
        Assert.Equal("–", Units.Loss(null));
    }
}
