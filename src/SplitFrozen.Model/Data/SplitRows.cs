using SplitFrozen.Domain;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Data;

/// <summary>A row of text: its line in the file, what goes in (a text, a pair joined by a space, a question) and the label or answer.</summary>
internal readonly record struct TextRow(int Line, string Input, string Output);

/// <summary>All rows of one split's file.</summary>
/// <param name="File">Where they stand, for messages.</param>
/// <param name="Rows">The rows in file order.</param>
internal sealed record SplitRows(string File, IReadOnlyList<TextRow> Rows)
{
    /// <summary>Reads the file; a malformed row, or no row at all, is a <see cref="UserErrorException"/>.</summary>
    public static SplitRows Read(DataFile file, ColumnRoles roles)
    {
        var rows = new List<TextRow>();
        foreach (var row in file.ReadRows([.. roles.Inputs, roles.Output]))
        {
            var output = roles.Task == TaskKind.Classification ? row.Values[^1].Trim() : row.Values[^1];
            if (output.Length == 0)
            {
                throw new UserErrorException($"{file.Path}, line {row.Line}: \"{roles.Output}\" is empty. Fill it in or remove the row.");
            }

            rows.Add(new TextRow(row.Line, string.Join(' ', row.Values[..^1]), output));
        }

        return rows.Count > 0 ? new SplitRows(file.Path, rows) : throw new UserErrorException($"{file.Path} has no rows. Put rows into it or remove it.");
    }
}
