using SplitFrozen.Domain.Data;

namespace SplitFrozen.Domain.Tests.Data;

/// <summary>What a run is scored on, by the splits that exist and the setting.</summary>
public sealed class EvaluationChoiceSpecs
{
    private const DataSplit Train = DataSplit.Train;
    private const DataSplit Dev = DataSplit.Dev;
    private const DataSplit Test = DataSplit.Test;

    public static TheoryData<DataSplit[], double?, DataSplit, DataSplit?, double> Choices => new()
    {
        { [Train, Dev, Test], null, Test, Dev, 0 },
        { [Train, Test], null, Test, Train, 0.1 },
        { [Train, Dev], null, Dev, Train, 0.1 },
        { [Train], null, Train, Train, 0.1 },
        { [Train, Dev, Test], 0.0, Test, null, 0 },
        { [Train, Dev], 0.0, Dev, null, 0 },
        { [Train, Dev, Test], 0.2, Test, Train, 0.2 },
        { [Train], 0.2, Train, Train, 0.2 },
    };

    [Theory]
    [MemberData(nameof(Choices))]
    public void Should_choose_by_splits_and_setting(DataSplit[] splits, double? validation, DataSplit evaluation, DataSplit? validationSplit, double share) =>
        Assert.Equal(new EvaluationChoice(evaluation, validationSplit, share), EvaluationChoice.Of(splits, validation));

    [Fact]
    public void Should_say_that_nothing_is_left_to_evaluate_on()
    {
        var error = Assert.Throws<UserErrorException>(() => EvaluationChoice.Of([Train], 0));
        Assert.Contains("splitfrozen.data.validation = none", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_describe_the_splits_for_people()
    {
        var choice = EvaluationChoice.Of([Train, Test], null);
        Assert.Equal("test split", choice.Describe(choice.Evaluation));
        Assert.Equal("10 % of the training rows, held out", choice.Describe(choice.ValidationSplit));
        Assert.Equal("none", choice.Describe(null));
    }
}
