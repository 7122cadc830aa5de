using CsvHelper;

using SplitFrozen.Domain;

namespace SplitFrozen.Model.Data;

/// <summary>Comma-separated values with a header, quoted as RFC 4180 says.</summary>
internal sealed class CsvFile(string path) : DataFile(path)
{
    private static readonly CsvReaderOptions Options = new()
    {
        Separator = ',',
        MalformedData = CsvMalformedDataHandling.Throw,
        FieldCountMismatch = CsvFieldCountHandling.Throw,
        TrackLineNumbers = true,
    };

    /// <inheritdoc/>
    public override IReadOnlyList<string> ReadColumns()
    {
        using var reader = CsvReader.FromText(ReadText(), Options);
        return Header(reader);
    }

    /// <inheritdoc/>
    public override IEnumerable<DataRow> ReadRows(IReadOnlyList<string> columns)
    {
        using var reader = CsvReader.FromText(ReadText(), Options);
        var positions = Positions(Header(reader), columns);
        while (Guard(reader.Read))
        {
            yield return new DataRow(checked((int)reader.LineNumber), [.. positions.Select(reader.GetString)]);
        }
    }

    private string[] Header(CsvReader reader)
    {
        string[] header = [.. Guard(() => reader.Headers)];
        return header.Length > 0
            ? header
            : throw new UserErrorException($"{Path} does not begin with a header. Put the names of the columns on its first line.");
    }

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CsvFormatException exception)
        {
            throw Error(
                checked((int)exception.LineNumber),
                $"is not well-formed: {exception.Message} Texts with commas, quotes or line breaks stand in double quotes, each quote in them doubled. Mend or remove the row.",
                exception);
        }
    }
}
