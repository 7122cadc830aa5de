using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Data;

/// <summary>Columns that are set by key, and what is said where they do not fit.</summary>
public sealed class ColumnSpecs
{
    private const string Table = "text,extra,label,other\none,two,0,x\n";

    [Theory]
    [InlineData("extra", null, null, "two")]
    [InlineData("extra", "text", null, "two one")]
    [InlineData(null, "extra", null, "one two")]
    [InlineData(null, null, "other", "one")]
    public void Should_take_the_columns_that_are_set(string? text, string? second, string? label, string expected)
    {
        using var folder = new DataFolderFixture().With("train.csv", Table);
        var set = folder.Open(new ColumnSettings(text, second, label, null, null));
        Assert.Equal(expected, DataFolderFixture.Text(set, DataSplit.Train, 0));
        Assert.Equal(label is null ? "0" : "x", set.Labels.Single());
    }

    [Fact]
    public void Should_model_language_where_question_and_answer_are_set()
    {
        using var folder = new DataFolderFixture().With("train.csv", Table);
        var set = folder.Open(new ColumnSettings(null, null, null, "text", "extra"));
        Assert.Equal(TaskKind.LanguageModel, set.Task);
        Assert.Equal("one\ntwo", DataFolderFixture.Text(set, DataSplit.Train, 0));
    }

    [Theory]
    [InlineData("nix", null, null, null, null, "no column \"nix\", which splitfrozen.data.columns.text names")]
    [InlineData(null, "nix", null, null, null, "no column \"nix\", which splitfrozen.data.columns.second-text names")]
    [InlineData(null, null, "nix", null, null, "no column \"nix\", which splitfrozen.data.columns.label names")]
    [InlineData(null, null, null, "nix", "text", "no column \"nix\", which splitfrozen.data.columns.question names")]
    [InlineData(null, null, null, "text", "nix", "no column \"nix\", which splitfrozen.data.columns.answer names")]
    [InlineData(null, null, null, "text", null, "none is known to be the answer")]
    public void Should_list_the_columns_that_exist(string? text, string? second, string? label, string? question, string? answer, string fault)
    {
        using var folder = new DataFolderFixture().With("train.csv", Table);
        var error = Assert.Throws<UserErrorException>(() => folder.Open(new ColumnSettings(text, second, label, question, answer)));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        Assert.Contains("\"text\", \"extra\", \"label\", \"other\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_refuse_settings_of_both_kinds()
    {
        using var folder = new DataFolderFixture().With("train.csv", Table);
        var error = Assert.Throws<UserErrorException>(() => folder.Open(new ColumnSettings("text", null, null, "extra", null)));
        Assert.Contains("one kind or the other", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a,b,c\n1,2,3\n", "none is known to be a label or an answer")]
    [InlineData("a,b,label\n1,2,3\n", "none is known to be the text")]
    public void Should_say_which_keys_name_columns_it_does_not_know(string table, string fault)
    {
        using var folder = new DataFolderFixture().With("train.csv", table);
        folder.AssertError(fault, "\"a\", \"b\"", "splitfrozen.data.columns.text");
    }
}
