using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Data;
using SplitFrozen.Model.Tokenizers;
using SplitFrozen.Protocol;

namespace SplitFrozen.Assets.Tests;

/// <summary>Data sets as they are published, recognised from their files.</summary>
public sealed class TextDataSpecs
{
    private static readonly Lazy<ITextTokenizer> Tokenizer = new(() => TokenizerFolder.Open(AssetsFolder.Find("models", "smollm2-135m")));

    [Fact]
    public void Should_read_mrpc()
    {
        var set = Open("mrpc", 128);
        Assert.Equal(TaskKind.Classification, set.Task);
        Assert.Equal(["0", "1"], set.Labels);
        Assert.Equal([DataSplit.Train, DataSplit.Dev, DataSplit.Test], set.Splits);
        Assert.Equal([3_668, 408, 1_725], set.Splits.Select(set.Rows));
        Assert.Equal([1_194, 2_474], Counts(set));
        Assert.Equal(
            "Amrozi accused his brother, whom he called \"the witness\", of deliberately distorting his evidence. "
            + "Referring to him as only \"the witness\", Amrozi accused his brother of deliberately distorting his evidence.",
            Tokenizer.Value.Decode(set.Encode(DataSplit.Train, [0])[0].Tokens));
    }

    [Fact]
    public void Should_read_sst2_without_its_unlabelled_test_split()
    {
        var set = Open("sst2", 128);
        Assert.Equal(["0", "1"], set.Labels);
        Assert.Equal([DataSplit.Train, DataSplit.Dev], set.Splits);
        Assert.Equal([67_349, 872], set.Splits.Select(set.Rows));
        Assert.Equal([29_780, 37_569], Counts(set));
        Assert.Equal(new EvaluationChoice(DataSplit.Dev, DataSplit.Train, 0.1), EvaluationChoice.Of(set.Splits, null));
    }

    [Fact]
    public void Should_read_gsm8k_with_targets_on_the_answers_only()
    {
        var set = Open("gsm8k", 1_024);
        Assert.Equal(TaskKind.LanguageModel, set.Task);
        Assert.Equal([7_473, 1_319], set.Splits.Select(set.Rows));
        foreach (var sample in set.Encode(DataSplit.Test, [.. Enumerable.Range(0, set.Rows(DataSplit.Test))]))
        {
            var text = Tokenizer.Value.Decode(sample.Tokens);
            var answer = Tokenizer.Value.Decode([.. sample.Targets.Where(target => target != Target.Ignored)]);
            Assert.Contains("####", answer, StringComparison.Ordinal);
            Assert.EndsWith("\n" + answer, text, StringComparison.Ordinal);
            Assert.Equal(Tokenizer.Value.EndOfText, sample.Targets[^1]);
        }
    }

    private static IEnumerable<int> Counts(IDataSet set) => set.TrainLabels.GroupBy(label => label).OrderBy(group => group.Key).Select(group => group.Count());

    private static IDataSet Open(string name, int maxLength) =>
        new TextDataSource(AssetsFolder.Find("data", name), new ColumnSettings(null, null, null, null, null), Tokenizer.Value).Open(maxLength, []);
}
