using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace SplitFrozen.Domain.Sampling;

/// <summary>
/// Random numbers that are the same on every machine and version of the runtime: xoshiro256** (Blackman and Vigna 2018), seeded by SplitMix64.
/// Streams of different purposes are independent.
/// </summary>
public sealed class SeededRandom
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    private SeededRandom(ulong seed)
    {
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
        _s2 = SplitMix(ref seed);
        _s3 = SplitMix(ref seed);
    }

    /// <summary>The stream of a purpose.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What the numbers are for.</param>
    /// <param name="stream">Tells streams of one purpose apart, such as an epoch.</param>
    public static SeededRandom For(long seed, string purpose, params ReadOnlySpan<long> stream)
    {
        var hash = new XxHash3(seed);
        hash.Append(Encoding.UTF8.GetBytes(purpose));
        Span<byte> number = stackalloc byte[sizeof(long)];
        foreach (var value in stream)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
            hash.Append(number);
        }

        return new SeededRandom(hash.GetCurrentHashAsUInt64());
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        var result = ulong.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = ulong.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A number from 0 to <paramref name="n"/> − 1, without bias (Lemire 2019).</summary>
    public int Below(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        var range = (ulong)n;
        var high = Math.BigMul(NextBits(), range, out var low);
        if (low < range)
        {
            var threshold = unchecked(0 - range) % range;
            while (low < threshold)
            {
                high = Math.BigMul(NextBits(), range, out low);
            }
        }

        return (int)high;
    }

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Puts the values into a uniformly random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> values)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    /// <summary>A draw from the symmetric Dirichlet distribution: <paramref name="n"/> shares that add up to 1.</summary>
    /// <remarks>Gamma draws are normalised as logarithms, since at α = 0.01 most of them are below the smallest double.</remarks>
    /// <param name="alpha">Concentration, above 0.</param>
    /// <param name="n">Number of shares, at least 1.</param>
    public double[] Dirichlet(double alpha, int n)
    {
        var logs = new double[n];
        for (var i = 0; i < n; i++)
        {
            logs[i] = LogGamma(alpha);
        }

        var largest = logs.Max();
        var shares = Array.ConvertAll(logs, l => Math.Exp(l - largest));
        var sum = shares.Sum();
        return Array.ConvertAll(shares, s => s / sum);
    }

    /// <summary>The logarithm of a Gamma(α, 1) draw: Marsaglia and Tsang 2000, with their boost for α below 1.</summary>
    private double LogGamma(double alpha)
    {
        if (alpha < 1)
        {
            return LogGamma(alpha + 1) + (Math.Log(1 - NextDouble()) / alpha);
        }

        var d = alpha - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Normal();
            var v = 1 + (c * x);
            if (v <= 0)
            {
                continue;
            }

            v = v * v * v;
            if (Math.Log(1 - NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
            {
                return Math.Log(d * v);
            }
        }
    }

    /// <summary>A standard normal draw (Box and Muller 1958).</summary>
    private double Normal() =>
        Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
