using System.Text;

using SplitFrozen.Domain;

namespace SplitFrozen.Model.Data;

/// <summary>The values that were asked of a row, and the line of the file on which it begins, from 1.</summary>
internal readonly record struct DataRow(int Line, string[] Values);

/// <summary>A file of rows with named columns or fields. Each call reads it anew.</summary>
internal abstract class DataFile(string path)
{
    /// <summary>Forms that are read, as file name endings.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".csv", ".tsv", ".jsonl"];

    /// <summary>Where it stands.</summary>
    public string Path { get; } = path;

    /// <summary>A file of the form that its name's ending says; must be one of <see cref="Endings"/>.</summary>
    public static DataFile Of(string path) => System.IO.Path.GetExtension(path) switch
    {
        ".csv" => new CsvFile(path),
        ".tsv" => new TsvFile(path),
        ".jsonl" => new JsonLinesFile(path),
        var other => throw new ArgumentException($"No reader for {other}.", nameof(path)),
    };

    /// <summary>Names of the columns, or of the first row's fields.</summary>
    public abstract IReadOnlyList<string> ReadColumns();

    /// <summary>Reads the values of some columns from all rows; a malformed row is a <see cref="UserErrorException"/> that names its line.</summary>
    /// <param name="columns">Names that <see cref="ReadColumns"/> gave.</param>
    public abstract IEnumerable<DataRow> ReadRows(IReadOnlyList<string> columns);

    /// <summary>An error on a line.</summary>
    protected UserErrorException Error(int line, string what, Exception? inner = null)
    {
        var message = $"{Path}, line {line}: {what}";
        return inner is null ? new UserErrorException(message) : new UserErrorException(message, inner);
    }

    /// <summary>The lines, ended by LF or CRLF, with their numbers from 1; the empty one after the last line end is left out.</summary>
    protected IEnumerable<(int Number, string Text)> ReadLines()
    {
        var lines = ReadText().Split('\n');
        var count = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
        for (var i = 0; i < count; i++)
        {
            yield return (i + 1, lines[i].EndsWith('\r') ? lines[i][..^1] : lines[i]);
        }
    }

    /// <summary>The whole text, without a byte order mark.</summary>
    protected string ReadText()
    {
        try
        {
            return File.ReadAllText(Path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
        }
        catch (DecoderFallbackException exception)
        {
            throw new UserErrorException($"{Path} is not UTF-8 text: {exception.Message} Convert the file to UTF-8.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{Path} cannot be read: {exception.Message} Check that it exists and may be read.", exception);
        }
    }

    /// <summary>Where the wanted columns stand among all.</summary>
    protected int[] Positions(string[] columns, IReadOnlyList<string> wanted) => [.. wanted.Select(name => Array.IndexOf(columns, name) is var index and >= 0
        ? index
        : throw new ArgumentException($"{Path} has no column \"{name}\".", nameof(wanted)))];
}
