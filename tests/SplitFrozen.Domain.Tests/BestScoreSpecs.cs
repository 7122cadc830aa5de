using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Domain.Tests;

public sealed class BestScoreSpecs
{
    [Fact(DisplayName = "The higher accuracy is better, an equal one is not")]
    public void Should_compare_accuracies()
    {
        var best = new BestScore(BestMeasure.Accuracy, patience: 2);

        Assert.True(best.Note(1, 10, Score(0.9, 5)));
        Assert.False(best.Note(2, 20, Score(0.1, 5)));
        Assert.True(best.Note(3, 30, Score(0.9, 6)));
        Assert.Equal(new BestValidation(3, 30, 0.6, 0.9), best.Best);
        Assert.False(best.IsPatienceOver);
        Assert.False(best.Note(4, 40, Score(0.5, 5)));
        Assert.False(best.Note(5, 50, Score(0.5, 6)));
        Assert.True(best.IsPatienceOver);
    }

    [Fact(DisplayName = "The lower loss is better, one that is no number never")]
    public void Should_compare_losses()
    {
        var best = new BestScore(BestMeasure.Loss, patience: null);

        Assert.False(best.Note(1, 10, Score(double.NaN, 10)));
        Assert.True(best.Note(2, 20, Score(0.9, 1)));
        Assert.True(best.Note(3, 30, Score(0.8, 0)));
        Assert.False(best.Note(4, 40, Score(0.85, 9)));
        Assert.Equal(3, best.Best!.Epoch);
        Assert.False(best.IsPatienceOver);
    }

    [Fact(DisplayName = "Without a measure nothing is best")]
    public void Should_compare_nothing()
    {
        var best = new BestScore(BestMeasure.None, null);
        Assert.False(best.Note(1, 10, Score(0.9, 5)));
        Assert.Null(best.Best);
    }

    private static TargetScore Score(double meanLoss, long correct) => new(meanLoss * 10, 10, correct);
}
