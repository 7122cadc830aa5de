using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using SplitFrozen.Domain;

namespace SplitFrozen.Model.Data;

/// <summary>Comma-separated values with a header, quoted as RFC 4180 says.</summary>
internal sealed class CsvFile(string path) : DataFile(path)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> ReadColumns()
    {
        using var parser = Parser();
        return Header(parser);
    }

    /// <inheritdoc/>
    public override IEnumerable<DataRow> ReadRows(IReadOnlyList<string> columns)
    {
        using var parser = Parser();
        var header = Header(parser);
        var positions = Positions(header, columns);
        while (Read(parser))
        {
            var line = parser.RawRow - parser.RawRecord.TrimEnd('\r', '\n').Count(character => character == '\n');
            if (parser.Count != header.Length)
            {
                throw Error(line, $"has {parser.Count} columns, but the header names {header.Length}. Put texts with commas into double quotes, or mend or remove the row.");
            }

            yield return new DataRow(line, [.. positions.Select(position => parser[position])]);
        }
    }

    private CsvParser Parser() => new(
        new StringReader(ReadText()),
        new CsvConfiguration(CultureInfo.InvariantCulture) { DetectDelimiter = false, Delimiter = ",", BadDataFound = null });

    private string[] Header(CsvParser parser) => Read(parser)
        ? parser.Record!
        : throw new UserErrorException($"{Path} does not begin with a header. Put the names of the columns on its first line.");

    private bool Read(CsvParser parser)
    {
        try
        {
            return parser.Read();
        }
        catch (CsvHelperException exception)
        {
            throw Error(parser.RawRow, "is not well-formed CSV. A text with quotes stands in double quotes, with each quote in it doubled.", exception);
        }
    }
}
