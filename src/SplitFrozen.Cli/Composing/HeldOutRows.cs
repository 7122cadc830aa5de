using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;

namespace SplitFrozen.Cli.Composing;

/// <summary>Which rows are scored and never trained.</summary>
/// <param name="Evaluation">The split of the final score.</param>
/// <param name="Validation">The split scored after each epoch, or null: training rows, or none.</param>
/// <param name="ShareOfTraining">Share of the training rows that no device gets.</param>
internal sealed record HeldOutRows(DataSplit Evaluation, DataSplit? Validation, double ShareOfTraining)
{
    private const double AutomaticShare = 0.1;

    /// <summary>Chooses the sets: the test split, else dev, for evaluation; for validation what the setting says.</summary>
    /// <param name="data">The data.</param>
    /// <param name="share">Key splitfrozen.data.validation: null for auto, 0 for none, else a share of the training rows.</param>
    /// <exception cref="UserErrorException">The data has no split to evaluate on.</exception>
    public static HeldOutRows Choose(IDataSet data, double? share)
    {
        DataSplit evaluation = data.Splits.Contains(DataSplit.Test) ? DataSplit.Test
            : data.Splits.Contains(DataSplit.Dev) ? DataSplit.Dev
            : throw new UserErrorException($"{data.Name} has neither a test nor a dev file with labels or answers, so that nothing can be scored; add one (splitfrozen.data.path).");
        return share switch
        {
            { } given => new HeldOutRows(evaluation, null, given),
            null when evaluation != DataSplit.Dev && data.Splits.Contains(DataSplit.Dev) => new HeldOutRows(evaluation, DataSplit.Dev, 0),
            null => new HeldOutRows(evaluation, null, AutomaticShare),
        };
    }

    /// <summary>Tokenises the sets.</summary>
    /// <param name="data">The data.</param>
    /// <param name="heldBack">Training rows that no device got.</param>
    /// <param name="limit">At most so many rows of each set, spread evenly over it since files are often sorted by label; 0 for all.</param>
    public HeldOutSets Encode(IDataSet data, IReadOnlyList<int> heldBack, int limit)
    {
        var (name, split, rows) = Validation is { } dev ? (NameOf(dev), dev, AllRows(data, dev))
            : ShareOfTraining > 0 ? ($"{heldBack.Count} training rows", DataSplit.Train, heldBack)
            : ("none", DataSplit.Train, []);
        return new HeldOutSets(
            NameOf(Evaluation), data.Encode(Evaluation, Thin(AllRows(data, Evaluation), limit)), name, data.Encode(split, Thin(rows, limit)));
    }

    /// <summary>Tokenises rows of the evaluation split alone.</summary>
    /// <param name="data">The data.</param>
    /// <param name="limit">At most so many, spread evenly over the split.</param>
    public IReadOnlyList<EncodedSample> EncodeEvaluation(IDataSet data, int limit) => data.Encode(Evaluation, Thin(AllRows(data, Evaluation), limit));

    private static IReadOnlyList<int> AllRows(IDataSet data, DataSplit split) => [.. Enumerable.Range(0, data.Rows(split))];

    private static IReadOnlyList<int> Thin(IReadOnlyList<int> rows, int limit) =>
        limit == 0 || rows.Count <= limit ? rows : [.. Enumerable.Range(0, limit).Select(i => rows[(int)((long)i * rows.Count / limit)])];

    private static string NameOf(DataSplit split) => split.ToString().ToLowerInvariant();
}
