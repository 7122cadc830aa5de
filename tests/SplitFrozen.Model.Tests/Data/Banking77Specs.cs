using System.Diagnostics;

using SplitFrozen.Domain.Data;
using SplitFrozen.Model.Data;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Data;

/// <summary>The bundled data.</summary>
public sealed class Banking77Specs
{
    private readonly IDataSet _set = new TextDataSource(Repository.Banking77, DataFolderFixture.NoColumns, DataFolderFixture.Tokenizer).Open(128, []);

    [Fact]
    public void Should_read_all_rows_and_labels()
    {
        Assert.Equal(TaskKind.Classification, _set.Task);
        Assert.Equal([DataSplit.Train, DataSplit.Test], _set.Splits);
        Assert.Equal((10_003, 0, 3_080), (_set.Rows(DataSplit.Train), _set.Rows(DataSplit.Dev), _set.Rows(DataSplit.Test)));
        Assert.Equal(77, _set.Labels.Count);
        Assert.Equal(["card_arrival", "card_linking"], _set.Labels.Take(2));
        Assert.Equal(77, _set.TrainLabels.Distinct().Count());
    }

    [Fact]
    public void Should_tokenise_all_rows_within_seconds()
    {
        var watch = Stopwatch.StartNew();
        var samples = _set.Encode(DataSplit.Train, [.. Enumerable.Range(0, _set.Rows(DataSplit.Train))]);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"10,003 rows took {watch.Elapsed}.");
        Assert.All(samples, sample => Assert.InRange(sample.Tokens.Length, 1, 128));
        Assert.Equal(_set.TrainLabels, samples.Select(sample => sample.Targets.Single()));
        Assert.Equal("I am still waiting on my card?", DataFolderFixture.Tokenizer.Decode(samples[0].Tokens));
    }
}
