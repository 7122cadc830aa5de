using SplitFrozen.Cli.Composing;

namespace SplitFrozen.Cli.Commands;

/// <summary>What <c>eval --json</c> prints, in snake_case.</summary>
/// <param name="EvaluationSplit">The split that is scored.</param>
/// <param name="Accuracy">Share of labels, or of the answers' tokens, that the largest logit names.</param>
/// <param name="Loss">Mean loss in nats.</param>
/// <param name="Targets">Labels or tokens scored.</param>
/// <param name="ValidationSplit">What the run was validated on.</param>
/// <param name="ValidationAccuracy">Its accuracy, or null.</param>
/// <param name="ValidationLoss">Its loss, or null.</param>
internal sealed record EvaluationFigures(
    string EvaluationSplit, double Accuracy, double Loss, long Targets, string ValidationSplit, double? ValidationAccuracy, double? ValidationLoss)
{
    /// <summary>Classification: F1 of label 1 where there are two, else the mean over labels.</summary>
    public double? F1 { get; init; }

    /// <summary>Classification: the mean F1 over labels.</summary>
    public double? MacroF1 { get; init; }

    /// <summary>F1 on the validation set.</summary>
    public double? ValidationF1 { get; init; }

    /// <summary>Language modelling: e to the loss.</summary>
    public double? Perplexity { get; init; }

    /// <summary>Language modelling: share of generated answers with the reference's number.</summary>
    public double? ExactMatch { get; init; }

    /// <summary>Rows that exact match is over.</summary>
    public int? ExactMatchRows { get; init; }

    /// <summary>Label names in the order of their ids.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>Counts: a row for each label, in it a column for each prediction.</summary>
    public long[][]? ConfusionMatrix { get; init; }

    /// <summary>The figures of a score.</summary>
    public static EvaluationFigures Of(AdapterScore score)
    {
        var confusion = score.Evaluation.Confusion;
        return new EvaluationFigures(
            score.EvaluationSplit, score.Evaluation.Accuracy, score.Evaluation.MeanLoss, score.Evaluation.Targets,
            score.ValidationSplit, score.Validation?.Accuracy, score.Validation?.MeanLoss)
        {
            F1 = confusion?.F1,
            MacroF1 = confusion?.MacroF1,
            ValidationF1 = score.Validation?.F1,
            Perplexity = Domain.Evaluation.Perplexity.Of(score.Task, score.Evaluation),
            ExactMatch = score.ExactMatch?.Share,
            ExactMatchRows = score.ExactMatch?.Rows,
            Labels = confusion is null ? null : score.Labels,
            ConfusionMatrix = confusion?.ToRows(),
        };
    }
}
