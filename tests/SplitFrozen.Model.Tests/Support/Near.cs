using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Comparisons with stated tolerances.</summary>
internal static class Near
{
    /// <summary>Each number within the tolerance, absolute or relative.</summary>
    public static void Equal(IReadOnlyList<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Count, actual.Length);
        for (int i = 0; i < expected.Count; i++)
        {
            double difference = Math.Abs(expected[i] - actual[i]);
            Assert.True(
                difference <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                $"{what}[{i}]: expected {expected[i]:R}, actual {actual[i]:R}, difference {difference:E2}, tolerance {tolerance:E2}");
        }
    }

    /// <summary>Each number of a tensor within the tolerance, absolute or of the largest expected one.</summary>
    public static void Equal(Tensor expected, Tensor found, double tolerance = 1e-5) =>
        Assert.InRange((expected - found).abs().max().item<float>(), 0, tolerance * Math.Max(1, expected.abs().max().item<float>()));

    /// <summary>Each number within the tolerance of the largest expected one.</summary>
    public static void EqualToLargest(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = 0;
        double worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)expected[i]));
            worst = Math.Max(worst, Math.Abs((double)expected[i] - actual[i]));
        }

        Assert.True(worst <= tolerance * largest, $"{what}: off by {worst / largest:E2} of the largest, tolerance {tolerance:E2}");
    }

    /// <summary>One number within a tolerance relative to it.</summary>
    public static void Relative(double expected, double actual, double tolerance, string what) => Assert.True(
        Math.Abs(expected - actual) <= tolerance * Math.Abs(expected),
        $"{what}: expected {expected:R}, actual {actual:R}, off by {Math.Abs(expected - actual) / Math.Abs(expected):E2}, tolerance {tolerance:E2}");
}
