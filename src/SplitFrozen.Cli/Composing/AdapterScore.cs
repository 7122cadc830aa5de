using SplitFrozen.Domain.Models;

namespace SplitFrozen.Cli.Composing;

/// <summary>How an adapter does on held-out data.</summary>
/// <param name="EvaluationSplit">Which split the score is of.</param>
/// <param name="Evaluation">Its score.</param>
/// <param name="ValidationSplit">What the run was validated on.</param>
/// <param name="Validation">Its score, or null where validation is off.</param>
internal sealed record AdapterScore(string EvaluationSplit, TargetScore Evaluation, string ValidationSplit, TargetScore? Validation);
