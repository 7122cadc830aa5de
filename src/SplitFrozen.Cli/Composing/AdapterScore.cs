using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Composing;

/// <summary>How an adapter does on held-out data.</summary>
/// <param name="EvaluationSplit">Which split the score is of.</param>
/// <param name="Evaluation">Its score.</param>
/// <param name="ValidationSplit">What the run was validated on.</param>
/// <param name="Validation">Its score, or null where validation is off.</param>
internal sealed record AdapterScore(string EvaluationSplit, TargetScore Evaluation, string ValidationSplit, TargetScore? Validation)
{
    /// <summary>What was learned.</summary>
    public TaskKind Task { get; init; }

    /// <summary>Label names in the order of their ids; empty for language modelling.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Exact match of generated answers, or null where it was not asked for or the data has no numbers to match.</summary>
    public ExactMatchScore? ExactMatch { get; init; }
}
