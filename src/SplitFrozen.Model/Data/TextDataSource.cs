using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Data;

/// <summary>
/// A folder of text: train, and where they exist dev (also validation, dev_matched) and test, each as .csv with a header, as .tsv in
/// GLUE's form or as .jsonl. A split without labels or answers does not count.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="columns">Names of columns; unset ones are recognised.</param>
/// <param name="tokenizer">The model's tokenizer.</param>
public sealed class TextDataSource(string folder, ColumnSettings columns, ITextTokenizer tokenizer) : IDataSource
{
    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The folder or its files cannot be read as one of the known forms.</exception>
    public IDataSet Open(int maxLength, IReadOnlyList<string> labels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        return new TextDataSet(folder, columns, new SampleEncoder(tokenizer, maxLength), labels);
    }
}
