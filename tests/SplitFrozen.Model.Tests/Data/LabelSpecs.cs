using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;

namespace SplitFrozen.Model.Tests.Data;

/// <summary>The order of labels and labels that are not known.</summary>
public sealed class LabelSpecs
{
    private const string Table = "text,label\none,10\ntwo,9\nthree,-1\n";

    [Fact]
    public void Should_order_integers_by_value()
    {
        using var folder = new DataFolderFixture().With("train.csv", Table);
        Assert.Equal(["-1", "9", "10"], folder.Open().Labels);
    }

    [Fact]
    public void Should_order_names_by_their_characters()
    {
        using var folder = new DataFolderFixture().With("train.csv", "text,label\na,b\nb,B\nc,10\nd,9\n");
        Assert.Equal(["10", "9", "B", "b"], folder.Open().Labels);
    }

    [Fact]
    public void Should_take_the_order_of_categories_json()
    {
        using var folder = new DataFolderFixture().With("train.csv", Table).With("categories.json", """["9", "-1", "10", "unused"]""");
        var set = folder.Open();
        Assert.Equal(["9", "-1", "10", "unused"], set.Labels);
        Assert.Equal([2, 0, 1], set.TrainLabels);
    }

    [Fact]
    public void Should_prefer_the_labels_that_the_server_has()
    {
        using var folder = new DataFolderFixture().With("train.csv", Table).With("categories.json", """["9", "-1", "10"]""");
        Assert.Equal([0, 2, 3], folder.Open(null, 128, "10", "x", "9", "-1").TrainLabels);
    }

    [Fact]
    public void Should_name_the_row_whose_label_is_not_known()
    {
        using var folder = new DataFolderFixture().With("train.csv", Table).With("dev.csv", "text,label\na,9\nb,11\n");
        var set = folder.Open();
        var error = Assert.Throws<UserErrorException>(() => set.Encode(DataSplit.Dev, [0, 1]));
        Assert.Contains($"{Path.Combine(folder.Path, "dev.csv")}, line 3: the label \"11\"", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<UserErrorException>(() => folder.Open(null, 128, "9", "10").TrainLabels);
        Assert.Contains("train.csv, line 4: the label \"-1\"", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("[]")]
    [InlineData("""["a", "a"]""")]
    [InlineData("""["a", ""]""")]
    public void Should_refuse_a_malformed_categories_json(string text)
    {
        using var folder = new DataFolderFixture().With("train.csv", Table).With("categories.json", text);
        folder.AssertError("categories.json should", "remove it");
    }
}
