using System.Runtime.InteropServices;

using FsCheck.Xunit;

using SplitFrozen.Domain.Codecs;
using SplitFrozen.Protocol;

using Xunit;
using Xunit.Abstractions;

namespace SplitFrozen.Domain.Tests.Codecs;

public sealed class RowCodecSpecs(ITestOutputHelper output)
{
    private const int Width = 192;
    private const int Tokens = 49;

    public static TheoryData<ActivationCodec> Codecs => [.. Enum.GetValues<ActivationCodec>()];

    [Theory(DisplayName = "Real activations come back within the codec's bound, at each depth")]
    [InlineData(ActivationCodec.Fp32, 0)]
    [InlineData(ActivationCodec.Bf16, 0.003)]
    [InlineData(ActivationCodec.Int8, 0.03)]
    [InlineData(ActivationCodec.Int4, 0.15)]
    public void Should_bring_back_real_activations(ActivationCodec codec, double relativeError)
    {
        foreach (var values in Recorded())
        {
            var decoded = RoundTrip(codec, values, Width);
            var (error, size) = (0.0, 0.0);
            for (var i = 0; i < values.Length; i++)
            {
                Assert.InRange(Math.Abs(decoded[i] - values[i]), 0, Bound(codec, values, Width, i));
                error += Math.Pow(decoded[i] - values[i], 2);
                size += Math.Pow(values[i], 2);
            }

            output.WriteLine($"{codec}: relative error {Math.Sqrt(error / size):0.00000}");
            Assert.InRange(Math.Sqrt(error / size), 0, relativeError);
        }
    }

    [Theory(DisplayName = "An outlier channel costs the other channels no more than the bound says")]
    [MemberData(nameof(Codecs))]
    public void Should_hold_the_bound_beside_an_outlier(ActivationCodec codec)
    {
        // GPT-2's own outlier channels reach several hundred times the median magnitude.
        var values = Recorded()[1];
        for (var row = 0; row < Tokens; row++)
        {
            values[(row * Width) + 138] *= 300;
        }

        var decoded = RoundTrip(codec, values, Width);
        Assert.All(Enumerable.Range(0, values.Length), i => Assert.InRange(Math.Abs(decoded[i] - values[i]), 0, Bound(codec, values, Width, i)));
    }

    [Property(DisplayName = "Any finite values of any width come back within the bound", MaxTest = 300)]
    public void Should_hold_the_bound_for_any_values(int seed, byte size, byte scale)
    {
        var random = new Random(seed);
        var width = 1 + (size % 100);
        var values = new float[3 * width];
        foreach (ref var value in values.AsSpan())
        {
            value = (float)((random.NextDouble() - 0.5) * Math.Pow(2, (scale % 60) - 44));
        }

        foreach (var codec in Enum.GetValues<ActivationCodec>())
        {
            var decoded = RoundTrip(codec, values, width);
            Assert.All(Enumerable.Range(0, values.Length), i => Assert.InRange(Math.Abs(decoded[i] - values[i]), 0, Bound(codec, values, width, i)));
        }
    }

    [Theory(DisplayName = "What is not finite is refused wherever it stands")]
    [MemberData(nameof(Codecs))]
    public void Should_refuse_what_is_not_finite(ActivationCodec codec)
    {
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            for (var at = 0; at < 70; at++)
            {
                var values = Recorded()[0][..70];
                values[at] = bad;
                var bytes = new byte[RowCodec.RowBytes(codec, 70)];
                RowCodec.Encode(codec, values, 70, bytes);

                Assert.False(RowCodec.Decode(codec, bytes, 70, values));
            }
        }
    }

    [Theory(DisplayName = "Extremes stay finite: zeros, subnormal and largest values")]
    [MemberData(nameof(Codecs))]
    public void Should_keep_extremes_finite(ActivationCodec codec)
    {
        float[] values = [0, -0f, float.Epsilon, -float.Epsilon, float.MaxValue, float.MinValue, 1e30f, -1e-30f];
        foreach (var row in new[] { values, [.. values.Take(4)], new float[40] })
        {
            var bytes = new byte[RowCodec.RowBytes(codec, row.Length)];
            var decoded = new float[row.Length];
            RowCodec.Encode(codec, row, row.Length, bytes);

            Assert.True(RowCodec.Decode(codec, bytes, row.Length, decoded));
            Assert.All(decoded, value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact(DisplayName = "bfloat16 rounds to nearest, ties to even")]
    public void Should_round_to_nearest_even()
    {
        float[] values = [1f, 1.00390625f, 1.01171875f, -1.004f, 3.3895314e38f];
        Assert.Equal([1f, 1f, 1.015625f, -1.0078125f, 3.3895314e38f], RoundTrip(ActivationCodec.Bf16, values, 5));
    }

    [Fact(DisplayName = "Rows take the bytes that the documents say")]
    public void Should_have_the_documented_sizes() =>
        Assert.Equal([3072, 1536, 772, 432], Enum.GetValues<ActivationCodec>().Select(codec => RowCodec.RowBytes(codec, 768)));

    /// <summary>The bounds of docs/activation-channel.md, with a little room for the rounding of the decoded value itself.</summary>
    private static double Bound(ActivationCodec codec, float[] values, int width, int at)
    {
        var row = values.AsSpan(at / width * width, width);
        switch (codec)
        {
            case ActivationCodec.Fp32:
                return 0;
            case ActivationCodec.Bf16:
                return Math.Abs(values[at]) / 256.0;
            case ActivationCodec.Int8:
                return (FiniteValues.LargestMagnitude(row) / 127.0 * 0.50001) + 2e-36;
            default:
                var column = at % width / 32 * 32;
                var scale = FiniteValues.LargestMagnitude(row[column..Math.Min(width, column + 32)]) / 7.0;
                return (scale * 0.50001) + (8 * Math.Max(scale / 2048, Math.Pow(2, -25)));
        }
    }

    private static float[] RoundTrip(ActivationCodec codec, float[] values, int width)
    {
        var bytes = new byte[values.Length / width * RowCodec.RowBytes(codec, width)];
        var decoded = new float[values.Length];
        RowCodec.Encode(codec, values, width, bytes);
        Assert.True(RowCodec.Decode(codec, bytes, width, decoded));
        return decoded;
    }

    /// <summary>Hidden values after 1, 4 and 7 blocks, [T, D] each.</summary>
    private static List<float[]> Recorded()
    {
        var bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Codecs", "activations.f32"));
        var values = MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        Assert.Equal(3 * Tokens * Width, values.Length);
        return [.. values.Chunk(Tokens * Width)];
    }
}
