namespace SplitFrozen.Domain.Sampling;

/// <summary>The shares of labels in all data, to compare those of global batches with.</summary>
public sealed class LabelMix
{
    private readonly double[] _shares;

    /// <summary>The mix of some samples' labels.</summary>
    /// <param name="labels">Label ids from 0; at least one.</param>
    public LabelMix(IReadOnlyCollection<int> labels)
    {
        ArgumentOutOfRangeException.ThrowIfZero(labels.Count);
        _shares = new double[labels.Max() + 1];
        foreach (var label in labels)
        {
            _shares[label] += 1.0 / labels.Count;
        }
    }

    /// <summary>Total variation distance of a batch's label mix to this one: half the sum of the differences of shares, from 0 (the same) to 1.</summary>
    public double Distance(IReadOnlyCollection<int> batch)
    {
        var counts = new double[Math.Max(_shares.Length, batch.Max() + 1)];
        foreach (var label in batch)
        {
            counts[label]++;
        }

        return counts.Select((c, label) => Math.Abs((c / batch.Count) - (label < _shares.Length ? _shares[label] : 0))).Sum() / 2;
    }

    /// <summary>
    /// The distance that a batch of so many samples drawn at random has on average, which is far from 0 where labels are many and batches small: half the
    /// sum of the mean absolute deviations of binomial shares (De Moivre: E|X − np| = 2 (1 − p)^(n − m) p^(m + 1) (m + 1) C(n, m + 1) with m = ⌊np⌋).
    /// </summary>
    public double Expected(int samples) => _shares.Sum(p => Deviation(samples, p)) / (2 * samples);

    private static double Deviation(int n, double p)
    {
        if (p is <= 0 or >= 1)
        {
            return 0;
        }

        var m = (int)Math.Floor(n * p);
        if (m >= n)
        {
            return 0;
        }

        var logarithm = ((n - m) * Math.Log(1 - p)) + ((m + 1) * Math.Log(p)) + Math.Log(m + 1);
        for (var i = 1; i <= m + 1; i++)
        {
            logarithm += Math.Log(n - (m + 1) + i) - Math.Log(i);
        }

        return 2 * Math.Exp(logarithm);
    }
}

/// <summary>Watches the label mix of global batches, and sounds an alarm where they are not the mixture that training needs.</summary>
/// <param name="threshold">How far, on average over a stretch of batches, the distance may lie above that of random batches.</param>
public sealed class LabelMixWatch(double threshold)
{
    /// <summary>Batches that the average is over.</summary>
    public const int Stretch = 16;

    private readonly Queue<double> _excess = [];
    private LabelMix? _mix;

    /// <summary>Whether the alarm was sounded since the last <see cref="Begin"/>.</summary>
    public bool IsAlarmed { get; private set; }

    /// <summary>An epoch begins: the alarm may sound again.</summary>
    /// <param name="mix">The overall mix from now on.</param>
    public void Begin(LabelMix mix) => (_mix, IsAlarmed) = (mix, false);

    /// <summary>Takes note of a global batch.</summary>
    /// <returns>Its distance, and the average excess if that sounds the alarm now.</returns>
    /// <exception cref="InvalidOperationException">No epoch has begun.</exception>
    public (double Distance, double? Alarm) Note(IReadOnlyCollection<int> labels)
    {
        var mix = _mix ?? throw new InvalidOperationException("No epoch has begun.");
        var distance = mix.Distance(labels);
        _excess.Enqueue(distance - mix.Expected(labels.Count));
        if (_excess.Count > Stretch)
        {
            _excess.Dequeue();
        }

        var average = _excess.Average();
        if (IsAlarmed || _excess.Count < Stretch || average <= threshold)
        {
            return (distance, null);
        }

        IsAlarmed = true;
        return (distance, average);
    }
}
