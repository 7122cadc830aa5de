using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Tests.Composing;

public sealed class HeldOutRowsSpecs
{
    [Fact]
    public void Should_hold_back_a_tenth_of_the_training_rows_where_there_is_only_a_test_split()
    {
        Assert.Equal(new HeldOutRows(DataSplit.Test, null, 0.1), HeldOutRows.Choose(new Rows(DataSplit.Train, DataSplit.Test), null));
    }

    [Fact]
    public void Should_validate_on_dev_where_it_is_not_what_is_evaluated()
    {
        Assert.Equal(
            new HeldOutRows(DataSplit.Test, DataSplit.Dev, 0), HeldOutRows.Choose(new Rows(DataSplit.Train, DataSplit.Dev, DataSplit.Test), null));
        Assert.Equal(new HeldOutRows(DataSplit.Dev, null, 0.1), HeldOutRows.Choose(new Rows(DataSplit.Train, DataSplit.Dev), null));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.25)]
    public void Should_take_the_share_that_is_set(double share)
    {
        Assert.Equal(new HeldOutRows(DataSplit.Test, null, share), HeldOutRows.Choose(new Rows(DataSplit.Train, DataSplit.Dev, DataSplit.Test), share));
    }

    [Fact]
    public void Should_refuse_data_that_cannot_be_scored()
    {
        var error = Assert.Throws<UserErrorException>(() => HeldOutRows.Choose(new Rows(DataSplit.Train), null));

        Assert.Contains("neither a test nor a dev file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_thin_out_evenly_over_a_set_that_is_sorted_by_label()
    {
        var sets = new HeldOutRows(DataSplit.Test, null, 0.1).Encode(new Rows(DataSplit.Train, DataSplit.Test), [3, 5, 8], 4);

        Assert.Equal([0, 25, 50, 75], sets.Evaluation.Select(s => s.Tokens[0]));
        Assert.Equal([3, 5, 8], sets.Validation.Select(s => s.Tokens[0]));
        Assert.Equal(("test", "3 training rows"), (sets.EvaluationName, sets.ValidationName));
    }

    [Fact]
    public void Should_have_no_validation_set_where_it_is_off()
    {
        var sets = new HeldOutRows(DataSplit.Test, null, 0).Encode(new Rows(DataSplit.Train, DataSplit.Test), [], 0);

        Assert.Empty(sets.Validation);
        Assert.Equal("none", sets.ValidationName);
        Assert.Equal(100, sets.Evaluation.Count);
    }

    /// <summary>A hundred rows in each split; the only token of a sample is its row.</summary>
    private sealed class Rows(params DataSplit[] splits) : IDataSet
    {
        public string Name => "rows";

        public TaskKind Task => TaskKind.Classification;

        public IReadOnlyList<string> Labels => ["a"];

        public IReadOnlyList<DataSplit> Splits => splits;

        public IReadOnlyList<int> TrainLabels => new int[100];

        int IDataSet.Rows(DataSplit split) => splits.Contains(split) ? 100 : 0;

        public IReadOnlyList<EncodedSample> Encode(DataSplit split, IReadOnlyList<int> rows) => [.. rows.Select(r => new EncodedSample([r], [0]))];
    }
}
