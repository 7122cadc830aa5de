using SplitFrozen.Domain;

namespace SplitFrozen.Model.Data;

/// <summary>GLUE's form: a header, columns between tabs, quotes are text.</summary>
internal sealed class TsvFile(string path) : DataFile(path)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> ReadColumns() => Header(ReadLines().FirstOrDefault().Text);

    /// <inheritdoc/>
    public override IEnumerable<DataRow> ReadRows(IReadOnlyList<string> columns)
    {
        string[]? header = null;
        int[] positions = [];
        foreach (var (number, text) in ReadLines())
        {
            if (header is null)
            {
                header = Header(text);
                positions = Positions(header, columns);
                continue;
            }

            if (text.Length == 0)
            {
                continue;
            }

            var values = text.Split('\t');
            if (values.Length != header.Length)
            {
                throw Error(number, $"has {values.Length} columns between tabs, but the header names {header.Length}. Mend or remove the row.");
            }

            yield return new DataRow(number, [.. positions.Select(position => values[position])]);
        }
    }

    private string[] Header(string? line) => string.IsNullOrEmpty(line)
        ? throw new UserErrorException($"{Path} does not begin with a header. Put the names of the columns, with tabs between them, on its first line.")
        : line.Split('\t');
}
