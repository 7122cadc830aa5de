using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Evaluation;

/// <summary>Measures of classification, against their definitions.</summary>
public sealed class ConfusionMatrixSpecs
{
    private const int Labels = 5;

    public static Arbitrary<(int Actual, int Predicted)[]> Pairs() =>
        Gen.Choose(0, Labels - 1).Two().Select(p => (p.Item1, p.Item2)).ArrayOf().ToArbitrary();

    [Fact(DisplayName = "The samples that it gives have its counts")]
    public void Should_give_samples_of_its_counts()
    {
        var matrix = ConfusionMatrix.Of([2, 0, 1, 1, 2], [1, 0, 1, 2, 1], 3);
        var (actual, predicted) = matrix.ToSamples();
        Assert.Equal(matrix, ConfusionMatrix.Of(actual, predicted, 3));
    }

    [Fact]
    public void Should_give_the_f1_of_label_1_where_there_are_two()
    {
        // Three true positives, one false positive, two false negatives: precision 3/4, recall 3/5.
        var matrix = ConfusionMatrix.Of([1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 1, 0], 2);

        Assert.Equal(2 * 0.75 * 0.6 / (0.75 + 0.6), matrix.F1, 12);
        Assert.Equal((0.75, 0.6), (matrix.PrecisionOf(1), matrix.RecallOf(1)));
        Assert.Equal([[1, 1], [2, 3]], matrix.ToRows());
    }

    [Fact]
    public void Should_average_over_the_labels_that_occur()
    {
        var matrix = ConfusionMatrix.Of([0, 0, 1, 2], [0, 1, 1, 2], 4);

        // F1: 2/3, 2/3, 1; label 3 occurs nowhere.
        Assert.Equal(((2.0 / 3) + (2.0 / 3) + 1) / 3, matrix.F1, 12);
        Assert.Equal([(0, 1, 1L)], matrix.LargestConfusions(9));
    }

    [Fact]
    public void Should_be_zero_rather_than_undefined()
    {
        Assert.Equal(0, ConfusionMatrix.Of([], [], 2).F1);
        Assert.Equal(0, ConfusionMatrix.Of([], [], 3).F1);
        Assert.Equal(0, ConfusionMatrix.Of([0], [0], 2).F1);
    }

    [Fact]
    public void Should_refuse_labels_out_of_range()
    {
        Assert.Throws<ArgumentException>(() => ConfusionMatrix.Of([0, 2], [0, 0], 2));
        Assert.Throws<ArgumentException>(() => ConfusionMatrix.Of([0], [-1], 2));
        Assert.Throws<ArgumentException>(() => ConfusionMatrix.Of([0], [0, 1], 2));
        Assert.Throws<ArgumentException>(() => ConfusionMatrix.Of([0], [0], 2) + ConfusionMatrix.Of([0], [0], 3));
    }

    [Property(Arbitrary = [typeof(ConfusionMatrixSpecs)])]
    public void Should_add_up_over_any_split((int Actual, int Predicted)[] pairs, NonNegativeInt cut)
    {
        var at = pairs.Length == 0 ? 0 : cut.Get % (pairs.Length + 1);

        var joined = Of(pairs[..at]) + Of(pairs[at..]);

        Assert.Equal(Of(pairs), joined);
        Assert.Equal(pairs.Length, joined.Samples);
        Assert.Equal(pairs.Count(p => p.Actual == p.Predicted), joined.Correct);
    }

    [Property(Arbitrary = [typeof(ConfusionMatrixSpecs)])]
    public void Should_give_the_harmonic_mean_of_precision_and_recall((int Actual, int Predicted)[] pairs)
    {
        var matrix = Of(pairs);
        for (var label = 0; label < Labels; label++)
        {
            var found = pairs.Count(p => p.Actual == label && p.Predicted == label);
            var precision = Ratio(found, pairs.Count(p => p.Predicted == label));
            var recall = Ratio(found, pairs.Count(p => p.Actual == label));

            Assert.Equal(precision, matrix.PrecisionOf(label), 12);
            Assert.Equal(recall, matrix.RecallOf(label), 12);
            Assert.Equal(precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall), matrix.F1Of(label), 12);
        }
    }

    [Property(Arbitrary = [typeof(ConfusionMatrixSpecs)])]
    public void Should_be_1_exactly_where_all_is_right((int Actual, int Predicted)[] pairs)
    {
        var isRight = pairs.Length > 0 && pairs.All(p => p.Actual == p.Predicted);

        Assert.Equal(isRight, Of(pairs).F1 >= 1);
        Assert.InRange(Of(pairs).F1, 0, 1);
    }

    [Fact]
    public void Should_keep_a_sums_confusion_only_where_it_covers_all_targets()
    {
        var counted = new TargetScore(1, 1, 1) { Confusion = ConfusionMatrix.Of([0], [0], 2) };
        var bare = new TargetScore(1, 1, 1);

        Assert.Equal(2, (counted + counted).Confusion!.Samples);
        Assert.Equal(counted, counted + default(TargetScore));
        Assert.Equal(counted, default(TargetScore) + counted);
        Assert.Null((counted + bare).Confusion);
        Assert.Null((bare + counted).F1);
    }

    [Fact]
    public void Should_take_perplexity_from_the_mean_loss()
    {
        Assert.Equal(Math.Exp(2), Perplexity.Of(TaskKind.LanguageModel, new TargetScore(20, 10, 0))!.Value, 12);
        Assert.Null(Perplexity.Of(TaskKind.Classification, new TargetScore(20, 10, 0)));
        Assert.Null(Perplexity.Of(TaskKind.LanguageModel, null));
    }

    private static ConfusionMatrix Of((int Actual, int Predicted)[] pairs) =>
        ConfusionMatrix.Of(Array.ConvertAll(pairs, p => p.Actual), Array.ConvertAll(pairs, p => p.Predicted), Labels);

    private static double Ratio(int part, int whole) => whole == 0 ? 0 : (double)part / whole;
}
