using System.Text.Json;

using SplitFrozen.Domain;
using SplitFrozen.Model.Data;

namespace SplitFrozen.Cli.Tables;

/// <summary>Reads rows with named values from CSV with a header, or from JSON lines.</summary>
internal static class TableFile
{
    /// <summary>Reads a CSV file. Columns that are not known are refused: a misspelt one would pass for one that is left out.</summary>
    /// <param name="file">The file.</param>
    /// <param name="required">Columns that must be there.</param>
    /// <param name="optional">Columns that may be.</param>
    public static IEnumerable<TableRow> ReadCsv(string file, IReadOnlyList<string> required, IReadOnlyList<string> optional)
    {
        var csv = new CsvFile(file);
        var columns = csv.ReadColumns();
        if (columns.FirstOrDefault(c => !required.Contains(c) && !optional.Contains(c)) is { } unknown)
        {
            throw new UserErrorException($"{file} has a column {unknown}, which is not known. Known are {string.Join(", ", required.Concat(optional))}.");
        }

        if (required.FirstOrDefault(c => !columns.Contains(c)) is { } missing)
        {
            throw new UserErrorException($"{file} has no column {missing}. Its first line must name the columns {string.Join(", ", required)}, and may name {string.Join(", ", optional)}.");
        }

        return csv.ReadRows(columns).Select(row => new TableRow(
            file, row.Line, columns.Zip(row.Values).ToDictionary(p => p.First, p => p.Second, StringComparer.Ordinal)));
    }

    /// <summary>Reads a file with a JSON object a line. Fields of an object within are read as its own.</summary>
    public static IEnumerable<TableRow> ReadJsonLines(string file)
    {
        var number = 0;
        foreach (var line in Lines(file))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return Parse(file, number, line);
            }
        }
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{file} cannot be read: {e.Message} Check that it exists and may be read.", e);
        }
    }

    private static TableRow Parse(string file, int number, string line)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                Flatten(json.RootElement, values);
                return new TableRow(file, number, values);
            }
        }
        catch (JsonException e)
        {
            throw new TableRow(file, number, values).Error($"is no JSON: {e.Message}", e);
        }

        throw new TableRow(file, number, values).Error("is no JSON object.");
    }

    private static void Flatten(JsonElement element, Dictionary<string, string> values)
    {
        foreach (var property in element.EnumerateObject())
        {
            switch (property.Value.ValueKind)
            {
                case JsonValueKind.Object:
                    Flatten(property.Value, values);
                    break;
                case JsonValueKind.String:
                    values[property.Name] = property.Value.GetString()!;
                    break;
                case JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False:
                    values[property.Name] = property.Value.GetRawText();
                    break;
            }
        }
    }
}
