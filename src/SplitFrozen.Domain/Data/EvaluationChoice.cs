namespace SplitFrozen.Domain.Data;

/// <summary>What a run is scored on. <see cref="DataSplit.Train"/> stands for the training rows that no device gets.</summary>
/// <param name="Evaluation">The split for the accuracy before and after training.</param>
/// <param name="ValidationSplit">The split for the accuracy during training, or null: none.</param>
/// <param name="ValidationShareOfTrain">Share of the training rows that no device gets, in [0, 0.5].</param>
public sealed record EvaluationChoice(DataSplit Evaluation, DataSplit? ValidationSplit, double ValidationShareOfTrain)
{
    /// <summary>Share of the training rows held out where nothing else is set.</summary>
    public const double DefaultShare = 0.1;

    /// <summary>
    /// Evaluation is on the test split, else on dev, else on held-out training rows; validation on dev where that is not the evaluation split, else
    /// on held-out training rows. A share that is set holds out training rows for validation in any case.
    /// </summary>
    /// <param name="splits">Splits that exist and carry labels or answers.</param>
    /// <param name="validation">splitfrozen.data.validation: null for auto, 0 for none, otherwise the share held out.</param>
    /// <exception cref="UserErrorException">There is neither a split nor a held-out row to evaluate on.</exception>
    public static EvaluationChoice Of(IReadOnlyList<DataSplit> splits, double? validation)
    {
        var evaluation = splits.Contains(DataSplit.Test) ? DataSplit.Test
            : splits.Contains(DataSplit.Dev) ? DataSplit.Dev
            : DataSplit.Train;
        if (validation == 0)
        {
            return evaluation != DataSplit.Train
                ? new EvaluationChoice(evaluation, null, 0)
                : throw new UserErrorException(
                    "The data has neither a test nor a dev split with labels, and splitfrozen.data.validation = none holds out no training rows: "
                    + "there is nothing to evaluate on. Set splitfrozen.data.validation to auto or a share, or add a test file.");
        }

        return validation is null && evaluation == DataSplit.Test && splits.Contains(DataSplit.Dev)
            ? new EvaluationChoice(evaluation, DataSplit.Dev, 0)
            : new EvaluationChoice(evaluation, DataSplit.Train, validation ?? DefaultShare);
    }

    /// <summary>A split in words for summaries: the evaluation or validation split of this choice.</summary>
    public string Describe(DataSplit? split) => split switch
    {
        null => "none",
        DataSplit.Train => FormattableString.Invariant($"{ValidationShareOfTrain:P0} of the training rows, held out"),
        DataSplit.Dev => "dev split",
        _ => "test split",
    };
}
