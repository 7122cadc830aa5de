namespace SplitFrozen.Domain.Evaluation;

/// <summary>How often a label was predicted for samples of a label. Only pairs that occur are held, so that many labels cost nothing. Immutable.</summary>
public sealed class ConfusionMatrix : IEquatable<ConfusionMatrix>
{
    private readonly Dictionary<(int Actual, int Predicted), long> _counts;

    private ConfusionMatrix(Dictionary<(int Actual, int Predicted), long> counts, int labels) => (_counts, Labels) = (counts, labels);

    /// <summary>Number of labels K.</summary>
    public int Labels { get; }

    /// <summary>Number of samples.</summary>
    public long Samples => _counts.Values.Sum();

    /// <summary>Samples whose label was predicted.</summary>
    public long Correct => _counts.Where(c => c.Key.Actual == c.Key.Predicted).Sum(c => c.Value);

    /// <summary>How often <paramref name="predicted"/> was predicted for samples of the label <paramref name="actual"/>.</summary>
    public long this[int actual, int predicted] => _counts.GetValueOrDefault((actual, predicted));

    /// <summary>
    /// F1 as GLUE reports it. Two labels: that of label 1, the positive one. More: the mean over all labels that occur among the samples or the predictions
    /// (macro F1; a label that occurs in neither says nothing).
    /// </summary>
    public double F1 => Labels == 2 ? F1Of(1) : MacroF1;

    /// <summary>The mean of <see cref="F1Of"/> over the labels that occur among samples or predictions; 0 without samples.</summary>
    public double MacroF1
    {
        get
        {
            var labels = _counts.Keys.SelectMany(k => new[] { k.Actual, k.Predicted }).ToHashSet();

            // In one order, so that the mean's last bits do not hang on the order of counting.
            return labels.Count == 0 ? 0 : labels.Order().Average(F1Of);
        }
    }

    /// <summary>Counts predictions.</summary>
    /// <param name="actual">The label of each sample [N], from 0 to <paramref name="labels"/> − 1.</param>
    /// <param name="predicted">The label predicted for each [N].</param>
    /// <param name="labels">Number of labels K, at least 1.</param>
    /// <exception cref="ArgumentException">The numbers of labels differ, or a label is out of range.</exception>
    public static ConfusionMatrix Of(ReadOnlySpan<int> actual, ReadOnlySpan<int> predicted, int labels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(labels, 1);
        if (actual.Length != predicted.Length)
        {
            throw new ArgumentException($"{predicted.Length} predictions do not fit {actual.Length} samples.", nameof(predicted));
        }

        if (actual.ContainsAnyExceptInRange(0, labels - 1) || predicted.ContainsAnyExceptInRange(0, labels - 1))
        {
            throw new ArgumentException($"A label is outside 0 to {labels - 1}.", nameof(actual));
        }

        var counts = new Dictionary<(int, int), long>();
        for (var i = 0; i < actual.Length; i++)
        {
            var pair = (actual[i], predicted[i]);
            counts[pair] = counts.GetValueOrDefault(pair) + 1;
        }

        return new ConfusionMatrix(counts, labels);
    }

    /// <summary>The counts of two disjoint sets of samples with the same labels.</summary>
    /// <exception cref="ArgumentException">The numbers of labels differ.</exception>
    public static ConfusionMatrix operator +(ConfusionMatrix a, ConfusionMatrix b)
    {
        if (a.Labels != b.Labels)
        {
            throw new ArgumentException($"Counts over {a.Labels} and {b.Labels} labels cannot be added.", nameof(b));
        }

        var counts = new Dictionary<(int, int), long>(a._counts);
        foreach (var (pair, count) in b._counts)
        {
            counts[pair] = counts.GetValueOrDefault(pair) + count;
        }

        return new ConfusionMatrix(counts, a.Labels);
    }

    /// <summary>Adds two matrices; see the operator.</summary>
    public static ConfusionMatrix Add(ConfusionMatrix a, ConfusionMatrix b) => a + b;

    /// <summary>2 P R / (P + R) of one label's precision P and recall R, that is 2 TP / (samples + predictions of the label); 0 where there are neither.</summary>
    public double F1Of(int label) => Ratio(2 * this[label, label], Actual(label) + Predicted(label));

    /// <summary>Share of the predictions of a label that are right; 0 where there are none.</summary>
    public double PrecisionOf(int label) => Ratio(this[label, label], Predicted(label));

    /// <summary>Share of a label's samples that were found; 0 where there are none.</summary>
    public double RecallOf(int label) => Ratio(this[label, label], Actual(label));

    /// <summary>All counts [K][K]: a row for each label, in it a column for each prediction.</summary>
    public long[][] ToRows() => [.. Enumerable.Range(0, Labels).Select(a => Enumerable.Range(0, Labels).Select(p => this[a, p]).ToArray())];

    /// <summary>Samples that have these counts, for <see cref="Of"/>: their labels [N] and those predicted for them [N].</summary>
    public (int[] Actual, int[] Predicted) ToSamples()
    {
        var pairs = _counts.OrderBy(c => c.Key).SelectMany(c => Enumerable.Repeat(c.Key, checked((int)c.Value))).ToArray();
        return (Array.ConvertAll(pairs, p => p.Actual), Array.ConvertAll(pairs, p => p.Predicted));
    }

    /// <summary>The largest counts off the diagonal: what was most often taken for what.</summary>
    /// <param name="count">At most so many.</param>
    public IReadOnlyList<(int Actual, int Predicted, long Count)> LargestConfusions(int count) =>
    [
        .. _counts.Where(c => c.Key.Actual != c.Key.Predicted)
            .OrderByDescending(c => c.Value).ThenBy(c => c.Key)
            .Take(count).Select(c => (c.Key.Actual, c.Key.Predicted, c.Value)),
    ];

    /// <inheritdoc/>
    public bool Equals(ConfusionMatrix? other) =>
        other is not null && other.Labels == Labels && other._counts.Count == _counts.Count && _counts.All(c => other[c.Key.Actual, c.Key.Predicted] == c.Value);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ConfusionMatrix);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Labels, Samples, Correct);

    private long Actual(int label) => _counts.Where(c => c.Key.Actual == label).Sum(c => c.Value);

    private long Predicted(int label) => _counts.Where(c => c.Key.Predicted == label).Sum(c => c.Value);

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
