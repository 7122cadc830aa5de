using SplitFrozen.Cli.Terminal;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Tests.Terminal;

/// <summary>The measures that a task has besides accuracy.</summary>
public sealed class SummaryViewSpecs
{
    private static readonly TargetScore Before = new(300, 100, 10) { Confusion = ConfusionMatrix.Of([1, 1, 0], [0, 1, 1], 2) };
    private static readonly TargetScore After = new(100, 100, 70) { Confusion = ConfusionMatrix.Of([1, 1, 0], [1, 1, 1], 2) };

    [Fact]
    public void Should_show_f1_of_a_classification()
    {
        var text = Text(Examples.Summary().WithMeasures(TaskKind.Classification, Before, After, Before));

        Assert.Contains("F1 on test", text, StringComparison.Ordinal);
        Assert.Contains("0.500 before, 0.800 after training, 0.500 in validation", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Perplexity", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_show_perplexity_and_exact_match_of_a_language_model()
    {
        var summary = Examples.Summary().WithMeasures(TaskKind.LanguageModel, new TargetScore(300, 100, 10), new TargetScore(100, 100, 70), null);

        var text = Text(summary with { ExactMatch = 0.25, ExactMatchRows = 12 });

        Assert.Contains("20.086 before, 2.718 after training", text, StringComparison.Ordinal);
        Assert.Contains("0.250 of 12 answers", text, StringComparison.Ordinal);
        Assert.DoesNotContain("F1", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_show_nothing_that_was_not_measured()
    {
        var text = Text(Examples.Summary());

        Assert.DoesNotContain("F1", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exact match", text, StringComparison.Ordinal);
    }

    private static string Text(RunSummary summary) => SummaryView.Text(summary, "/runs/a");
}
