using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Generation;

/// <summary>Draws tokens from logits. Equal settings and logits give equal tokens on every machine. Allocates on creation only.</summary>
public sealed class TokenSampler
{
    private readonly SamplingSpec _sampling;
    private readonly SeededRandom _random;
    private readonly double[] _weights;
    private readonly int[] _order;

    /// <summary>A sampler at the start of its stream of draws.</summary>
    /// <param name="sampling">How tokens are chosen.</param>
    /// <param name="vocabulary">The largest number of logits that it will be given.</param>
    public TokenSampler(SamplingSpec sampling, int vocabulary)
    {
        _sampling = sampling.Checked();
        _random = SeededRandom.For(sampling.Seed, "generation");
        _weights = sampling.Temperature == 0 ? [] : new double[vocabulary];
        _order = sampling.Temperature == 0 ? [] : new int[vocabulary];
    }

    /// <summary>The next token: an index of <paramref name="logits"/>.</summary>
    /// <param name="logits">[V], at least one, finite.</param>
    /// <exception cref="UserErrorException">A logit is not finite.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        var largest = Largest(logits);
        if (_sampling.Temperature == 0)
        {
            return largest;
        }

        var order = _order.AsSpan(0, logits.Length);
        var weights = _weights.AsSpan(0, logits.Length);
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
            weights[i] = Math.Exp((logits[i] - (double)logits[largest]) / _sampling.Temperature);
        }

        weights.Sort(order, static (a, b) => b.CompareTo(a));
        var kept = Nucleus(weights[..(_sampling.TopK == 0 ? order.Length : Math.Min(_sampling.TopK, order.Length))]);
        return order[Draw(kept)];
    }

    private static int Largest(ReadOnlySpan<float> logits)
    {
        var largest = 0;
        for (var i = 0; i < logits.Length; i++)
        {
            if (!float.IsFinite(logits[i]))
            {
                throw new UserErrorException($"The logit of token {i} is {logits[i]}: weights or adapter hold values that are no numbers. Fetch or train them again.");
            }

            largest = logits[i] > logits[largest] ? i : largest;
        }

        return largest;
    }

    /// <summary>The shortest beginning whose share of the sum reaches top-p; never empty.</summary>
    private ReadOnlySpan<double> Nucleus(ReadOnlySpan<double> weights)
    {
        if (_sampling.TopP >= 1)
        {
            return weights;
        }

        var wanted = _sampling.TopP * Sum(weights);
        var reached = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            reached += weights[i];
            if (reached >= wanted)
            {
                return weights[..(i + 1)];
            }
        }

        return weights;
    }

    private int Draw(ReadOnlySpan<double> weights)
    {
        var left = _random.NextDouble() * Sum(weights);
        for (var i = 0; i < weights.Length - 1; i++)
        {
            left -= weights[i];
            if (left < 0)
            {
                return i;
            }
        }

        return weights.Length - 1;
    }

    private static double Sum(ReadOnlySpan<double> weights)
    {
        var sum = 0.0;
        foreach (var weight in weights)
        {
            sum += weight;
        }

        return sum;
    }
}
