using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Model.Data;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Data;

/// <summary>A temporary data folder, read with the bundled model's tokenizer.</summary>
internal sealed class DataFolderFixture : IDisposable
{
    private readonly TestFolder _folder = new();

    /// <summary>No column is set.</summary>
    public static ColumnSettings NoColumns { get; } = new(null, null, null, null, null);

    /// <summary>The bundled model's tokenizer.</summary>
    public static ITextTokenizer Tokenizer { get; } = TokenizerFolder.Open(Repository.TinyGpt2);

    /// <summary>Where the folder is.</summary>
    public string Path => _folder.Path;

    /// <summary>Writes a file.</summary>
    public DataFolderFixture With(string name, string text)
    {
        File.WriteAllText(_folder.File(name), text);
        return this;
    }

    /// <summary>Opens the folder.</summary>
    public IDataSet Open(ColumnSettings? columns = null, int maxLength = 128, params string[] labels) =>
        new TextDataSource(Path, columns ?? NoColumns, Tokenizer).Open(maxLength, labels);

    /// <summary>The text that a row becomes.</summary>
    public static string Text(IDataSet set, DataSplit split, int row) => Tokenizer.Decode(set.Encode(split, [row])[0].Tokens);

    /// <summary>Asserts that reading the training rows fails with all of these words.</summary>
    public void AssertError(params string[] words)
    {
        var error = Assert.Throws<UserErrorException>(() =>
        {
            var set = Open();
            set.Encode(DataSplit.Train, [.. Enumerable.Range(0, set.Rows(DataSplit.Train))]);
        });
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
