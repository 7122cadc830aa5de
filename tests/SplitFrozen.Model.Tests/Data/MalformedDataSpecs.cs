using System.Text;

namespace SplitFrozen.Model.Tests.Data;

/// <summary>Data that cannot be read, each with a message that names file, line and remedy.</summary>
public sealed class MalformedDataSpecs
{
    [Fact]
    public void Should_name_a_folder_without_training_rows()
    {
        using var folder = new DataFolderFixture().With("test.csv", "text,label\na,0\n");
        folder.AssertError(folder.Path, "train.csv, train.tsv or train.jsonl");
    }

    [Fact]
    public void Should_name_a_folder_that_does_not_exist()
    {
        var folder = new DataFolderFixture();
        folder.Dispose();
        folder.AssertError(folder.Path, "does not exist", "splitfrozen.data.path");
    }

    [Fact]
    public void Should_refuse_a_split_in_several_files()
    {
        using var folder = new DataFolderFixture().With("train.csv", "text,label\na,0\n").With("train.tsv", "text\tlabel\na\t0\n");
        folder.AssertError("train.csv, train.tsv", "Keep one");
    }

    [Theory]
    [InlineData("text,label\na,0\nb,0,1\n", "line 3")]
    [InlineData("text,label\n\"a\nb\",0\n\nc\n", "line 5")]
    [InlineData("text,label\na,0\n\"b,0\n", "line 3")]
    [InlineData("text,label\na \"x\" b,0\n", "line 2")]
    [InlineData("text,label\na,0\nb,\n", "line 3", "\"label\" is empty")]
    [InlineData("text,label\na,0\nb, \n", "line 3", "\"label\" is empty")]
    [InlineData("text,label\n", "has no rows")]
    [InlineData("", "does not begin with a header")]
    public void Should_name_the_line_of_a_malformed_csv_row(string text, params string[] faults)
    {
        using var folder = new DataFolderFixture().With("train.csv", text);
        folder.AssertError([Path.Combine(folder.Path, "train.csv"), .. faults]);
    }

    [Theory]
    [InlineData("text\tlabel\na\t0\nb\n", "line 3: has 1 columns between tabs, but the header names 2")]
    [InlineData("text\tlabel\na\t0\r\nb\t0\t1\n", "line 3: has 3 columns")]
    [InlineData("text\tlabel\na\t\n", "line 2: \"label\" is empty")]
    [InlineData("text\tlabel", "has no rows")]
    [InlineData("", "does not begin with a header")]
    public void Should_name_the_line_of_a_malformed_tsv_row(string text, string fault)
    {
        using var folder = new DataFolderFixture().With("train.tsv", text);
        folder.AssertError(Path.Combine(folder.Path, "train.tsv"), fault);
    }

    [Theory]
    [InlineData("{\"question\":\"a\",\"answer\":\"b\"}\n{\"question\":", "line 2: is not valid JSON at character")]
    [InlineData("{\"question\":\"a\",\"answer\":\"b\"}\n[1]", "line 2: is a JSON Array")]
    [InlineData("{\"question\":\"a\",\"answer\":\"b\"}\n\n{\"question\":\"a\"}", "line 3: has no field \"answer\"; it has \"question\"")]
    [InlineData("{\"question\":\"a\",\"answer\":null}", "line 1: the field \"answer\" is neither text nor a number")]
    [InlineData("{\"question\":\"a\",\"answer\":\"\"}", "line 1: \"answer\" is empty")]
    [InlineData("{\"question\":\"\\ud800\",\"answer\":\"b\"}", "line 1: the field \"question\" holds half a surrogate pair")]
    [InlineData("\n\n", "has no rows")]
    public void Should_name_the_line_of_a_malformed_json_row(string text, string fault)
    {
        using var folder = new DataFolderFixture().With("train.jsonl", text);
        folder.AssertError(Path.Combine(folder.Path, "train.jsonl"), fault);
    }

    [Theory]
    [InlineData("train.csv", "text,label\nna\u00EFve,0\n")]
    [InlineData("train.tsv", "text\tlabel\nna\u00EFve\t0\n")]
    [InlineData("train.jsonl", "{\"text\":\"na\u00EFve\",\"label\":0}\n")]
    public void Should_refuse_text_that_is_not_utf8(string name, string text)
    {
        using var folder = new DataFolderFixture();
        File.WriteAllBytes(Path.Combine(folder.Path, name), Encoding.Latin1.GetBytes(text));
        folder.AssertError(name, "is not UTF-8", "Convert");
    }
}
