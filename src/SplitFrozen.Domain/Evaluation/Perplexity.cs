using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Evaluation;

/// <summary>How many tokens a language model wavers between, on average: e to the mean loss in nats a token.</summary>
public static class Perplexity
{
    /// <summary>The perplexity of a score, or null where the task is not language modelling or there is no target.</summary>
    public static double? Of(TaskKind task, TargetScore? score) =>
        task == TaskKind.LanguageModel && score is { Targets: > 0 } found ? Math.Exp(found.MeanLoss) : null;
}
