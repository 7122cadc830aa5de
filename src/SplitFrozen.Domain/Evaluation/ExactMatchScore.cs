namespace SplitFrozen.Domain.Evaluation;

/// <summary>How many generated answers have the number of the reference.</summary>
/// <param name="Matches">Answers that do.</param>
/// <param name="Rows">Rows whose reference has a number.</param>
public readonly record struct ExactMatchScore(int Matches, int Rows)
{
    /// <summary>Share of matches, or null without rows.</summary>
    public double? Share => Rows == 0 ? null : (double)Matches / Rows;

    /// <summary>Counts one more row; a reference without a number counts nothing.</summary>
    public ExactMatchScore With(string answer, string reference) => NumericAnswer.Of(reference) is null
        ? this
        : new ExactMatchScore(Matches + (NumericAnswer.Matches(answer, reference) ? 1 : 0), Rows + 1);
}
