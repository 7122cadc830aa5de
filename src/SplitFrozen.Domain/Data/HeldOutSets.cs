namespace SplitFrozen.Domain.Data;

/// <summary>The samples that no device trains on.</summary>
/// <param name="EvaluationName">Which split the final score is of, for people.</param>
/// <param name="Evaluation">Its samples.</param>
/// <param name="ValidationName">What is scored after each epoch, for people.</param>
/// <param name="Validation">Its samples; empty when validation is off.</param>
public sealed record HeldOutSets(
    string EvaluationName, IReadOnlyList<EncodedSample> Evaluation, string ValidationName, IReadOnlyList<EncodedSample> Validation);
