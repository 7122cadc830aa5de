using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>Made-up labelled samples of unequal length; the last token decides the label, so that the stand-in model can learn them.</summary>
public sealed class StandInData : IDataSource, IDataSet
{
    private readonly int _labels;
    private readonly Dictionary<DataSplit, EncodedSample[]> _splits;

    /// <summary>Samples that are a function of the seed.</summary>
    /// <param name="train">Training rows.</param>
    /// <param name="test">Test rows.</param>
    /// <param name="labels">Number of labels.</param>
    /// <param name="vocabulary">Tokens are below this.</param>
    /// <param name="maxLength">Longest sample in tokens.</param>
    /// <param name="seed">Seed of the samples.</param>
    public StandInData(int train = 200, int test = 50, int labels = 4, int vocabulary = 32, int maxLength = 8, long seed = 1)
    {
        _labels = labels;
        var random = SeededRandom.For(seed, "stand-in data");
        _splits = new()
        {
            [DataSplit.Train] = Draw(random, train, vocabulary, maxLength),
            [DataSplit.Test] = Draw(random, test, vocabulary, maxLength),
        };
    }

    /// <inheritdoc/>
    public string Name => "stand-in data";

    /// <inheritdoc/>
    public TaskKind Task => TaskKind.Classification;

    /// <inheritdoc/>
    public IReadOnlyList<string> Labels => [.. Enumerable.Range(0, _labels).Select(l => $"label-{l}")];

    /// <inheritdoc/>
    public IReadOnlyList<DataSplit> Splits => [.. _splits.Keys];

    /// <inheritdoc/>
    public IReadOnlyList<int> TrainLabels => [.. _splits[DataSplit.Train].Select(s => s.Targets[0])];

    /// <inheritdoc/>
    public int Rows(DataSplit split) => _splits.TryGetValue(split, out var rows) ? rows.Length : 0;

    /// <inheritdoc/>
    public IReadOnlyList<EncodedSample> Encode(DataSplit split, IReadOnlyList<int> rows) => [.. rows.Select(r => _splits[split][r])];

    /// <inheritdoc/>
    public IDataSet Open(int maxLength, IReadOnlyList<string> labels) => labels.Count == 0 || labels.SequenceEqual(Labels)
        ? this
        : throw new UserErrorException($"{Name} has other labels than the server.");

    private EncodedSample[] Draw(SeededRandom random, int rows, int vocabulary, int maxLength)
    {
        var samples = new EncodedSample[rows];
        for (var row = 0; row < rows; row++)
        {
            var tokens = new int[1 + random.Below(maxLength)];
            for (var i = 0; i < tokens.Length; i++)
            {
                tokens[i] = random.Below(vocabulary);
            }

            samples[row] = new EncodedSample(tokens, [tokens[^1] % _labels]);
        }

        return samples;
    }
}
