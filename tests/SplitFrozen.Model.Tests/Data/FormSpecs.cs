using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Data;

/// <summary>The forms that are recognised from the files alone.</summary>
public sealed class FormSpecs
{
    [Fact]
    public void Should_read_csv_with_quotes_commas_line_breaks_and_a_byte_order_mark()
    {
        using var folder = new DataFolderFixture().With("train.csv", "\uFEFFtext,category\r\n\"One, two\",b\r\n\"She said \"\"hi\"\"\nand left\",a\r\n");
        var set = folder.Open();
        Assert.Equal(TaskKind.Classification, set.Task);
        Assert.Equal(["a", "b"], set.Labels);
        Assert.Equal([1, 0], set.TrainLabels);
        Assert.Equal("One, two", DataFolderFixture.Text(set, DataSplit.Train, 0));
        Assert.Equal("She said \"hi\"\nand left", DataFolderFixture.Text(set, DataSplit.Train, 1));
    }

    [Fact]
    public void Should_read_mrpc_pairs_with_quotes_as_text()
    {
        using var folder = new DataFolderFixture().With(
            "train.tsv", "\uFEFFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t702876\t702977\tHe called \"it\" so.\t\"It was so.\r\n");
        var set = folder.Open();
        Assert.Equal(["1"], set.Labels);
        Assert.Equal("He called \"it\" so. \"It was so.", DataFolderFixture.Text(set, DataSplit.Train, 0));
    }

    [Fact]
    public void Should_read_mnli_by_gold_label_and_its_matched_dev_split()
    {
        const string row = "0\tThe first.\tThe second.\tneutral\tentailment\n";
        using var folder = new DataFolderFixture()
            .With("train.tsv", "index\tsentence1\tsentence2\tlabel1\tgold_label\n" + row)
            .With("dev_matched.tsv", "index\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label\n0\tA.\tB.\tneutral\tneutral\tentailment\n")
            .With("dev_mismatched.tsv", "index\tsentence1\tsentence2\tlabel1\tgold_label\n" + row + row)
            .With("test_matched.tsv", "index\tsentence1\tsentence2\n0\tA.\tB.\n");
        var set = folder.Open();
        Assert.Equal([DataSplit.Train, DataSplit.Dev], set.Splits);
        Assert.Equal(["entailment"], set.Labels);
        Assert.Equal(1, set.Rows(DataSplit.Dev));
        Assert.Equal("The first. The second.", DataFolderFixture.Text(set, DataSplit.Train, 0));
    }

    [Theory]
    [InlineData("question\tsentence\tlabel\nWhy?\tSo.\tentailment\n", "Why? So.")]
    [InlineData("question1\tquestion2\tis_duplicate\nWhy?\tHow?\t0\n", "Why? How?")]
    [InlineData("premise\thypothesis\tlabel\nIt rains.\tIt is wet.\t0\n", "It rains. It is wet.")]
    [InlineData("sentence\tlabel\nIt rains.\t0\n", "It rains.")]
    [InlineData("Sentence\tLABEL\nIt rains.\t0\n", "It rains.")]
    [InlineData("message\tintent\nIt rains.\tweather\n", "It rains.")]
    public void Should_know_the_usual_columns(string file, string text)
    {
        using var folder = new DataFolderFixture().With("train.tsv", file);
        Assert.Equal(text, DataFolderFixture.Text(folder.Open(), DataSplit.Train, 0));
    }

    [Fact]
    public void Should_read_json_lines_of_questions_and_answers()
    {
        using var folder = new DataFolderFixture().With("train.jsonl", """
            {"question": "What is 2 + 2?", "answer": "It is 4.\n#### 4"}

            {"answer": "\u00e9", "question": "Q", "more": [1]}
            """);
        var set = folder.Open();
        Assert.Equal(TaskKind.LanguageModel, set.Task);
        Assert.Empty(set.Labels);
        Assert.Empty(set.TrainLabels);
        Assert.Equal(2, set.Rows(DataSplit.Train));
        Assert.Equal("What is 2 + 2?\nIt is 4.\n#### 4", DataFolderFixture.Text(set, DataSplit.Train, 0));
        Assert.Equal("Q\né", DataFolderFixture.Text(set, DataSplit.Train, 1));
    }

    [Fact]
    public void Should_read_json_lines_with_text_and_a_number_as_label()
    {
        using var folder = new DataFolderFixture().With("train.jsonl", """{"text":"a","label":10}""" + "\n" + """{"text":"b","label":9}""");
        var set = folder.Open();
        Assert.Equal(["9", "10"], set.Labels);
        Assert.Equal([1, 0], set.TrainLabels);
    }

    [Fact]
    public void Should_leave_out_a_test_split_without_labels()
    {
        using var folder = new DataFolderFixture()
            .With("train.tsv", "sentence\tlabel\na\t0\n").With("dev.tsv", "sentence\tlabel\nb\t0\n").With("test.tsv", "index\tsentence\n0\tc\n");
        var set = folder.Open();
        Assert.Equal([DataSplit.Train, DataSplit.Dev], set.Splits);
        Assert.Equal(0, set.Rows(DataSplit.Test));
        Assert.Throws<ArgumentException>(() => set.Encode(DataSplit.Test, [0]));
    }

    [Fact]
    public void Should_read_each_split_in_its_own_form()
    {
        using var folder = new DataFolderFixture()
            .With("train.csv", "text,label\na,0\nb,1\n").With("validation.jsonl", """{"text":"c","label":1}""").With("test.tsv", "text\tlabel\nd\t0\ne\t1\n");
        var set = folder.Open();
        Assert.Equal([2, 1, 2], set.Splits.Select(set.Rows));
        Assert.Equal(1, set.Encode(DataSplit.Dev, [0])[0].Targets.Single());
    }
}
