using System.Text.Json;

using SplitFrozen.Domain;

namespace SplitFrozen.Model.Data;

/// <summary>JSON lines: one object with named fields on each line; empty lines do not count.</summary>
internal sealed class JsonLinesFile(string path) : DataFile(path)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> ReadColumns()
    {
        foreach (var (_, row) in ReadObjects())
        {
            return [.. row.EnumerateObject().Select(field => field.Name)];
        }

        throw new UserErrorException($"{Path} has no rows. Put one JSON object on each line.");
    }

    /// <inheritdoc/>
    public override IEnumerable<DataRow> ReadRows(IReadOnlyList<string> columns) =>
        ReadObjects().Select(row => new DataRow(row.Line, [.. columns.Select(name => Value(row.Line, row.Object, name))]));

    private IEnumerable<(int Line, JsonElement Object)> ReadObjects()
    {
        foreach (var (number, text) in ReadLines())
        {
            if (!string.IsNullOrWhiteSpace(text))
            {
                yield return (number, Parse(number, text));
            }
        }
    }

    private JsonElement Parse(int line, string text)
    {
        JsonElement row;
        try
        {
            row = JsonElement.Parse(text);
        }
        catch (JsonException exception)
        {
            throw Error(line, $"is not valid JSON at character {exception.BytePositionInLine + 1}. Mend or remove the row.", exception);
        }

        return row.ValueKind == JsonValueKind.Object
            ? row
            : throw Error(line, $"is a JSON {row.ValueKind} and not an object with fields. Mend or remove the row.");
    }

    private string Value(int line, JsonElement row, string name)
    {
        if (!row.TryGetProperty(name, out var value))
        {
            throw Error(line, $"has no field \"{name}\"; it has {string.Join(", ", row.EnumerateObject().Select(field => $"\"{field.Name}\""))}. Mend or remove the row.");
        }

        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
                _ => throw Error(line, $"the field \"{name}\" is neither text nor a number. Mend or remove the row."),
            };
        }
        catch (InvalidOperationException exception)
        {
            throw Error(line, $"the field \"{name}\" holds half a surrogate pair, which is no text. Mend or remove the row.", exception);
        }
    }
}
