using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Files;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Writes an experiment's rows as Markdown, CSV and JSON.</summary>
internal static class ExperimentTable
{
    /// <summary>Writes table.md, table.csv and table.json.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="note">Written above the Markdown table.</param>
    /// <param name="rows">The rows, at least one; all have the same columns.</param>
    public static void Write(string folder, string note, IReadOnlyList<ExperimentRow> rows)
    {
        Write(folder, "table.md", $"{note}\n\n{Markdown(rows)}");
        Write(folder, "table.csv", string.Concat(Lines(rows, exact: true).Select(line => string.Join(',', line) + "\n")));
        Write(folder, "table.json", Json(rows) + "\n");
    }

    /// <summary>The rows as a JSON array.</summary>
    public static string Json(IReadOnlyList<ExperimentRow> rows)
    {
        var array = new JsonArray();
        foreach (var row in rows)
        {
            var item = new JsonObject();
            foreach (var (name, value) in row.Cell.Parameters)
            {
                item[name] = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : value;
            }

            foreach (var (name, value) in row.Values)
            {
                item[name] = value;
            }

            array.Add(item);
        }

        return array.ToJsonString(RunJson.Indented);
    }

    /// <summary>The rows as a Markdown table.</summary>
    public static string Markdown(IReadOnlyList<ExperimentRow> rows)
    {
        var text = new StringBuilder();
        var header = true;
        foreach (var line in Lines(rows, exact: false))
        {
            text.Append("| ").AppendJoin(" | ", line).Append(" |\n");
            if (header)
            {
                text.Append('|').Insert(text.Length, "---|", line.Count).Append('\n');
                header = false;
            }
        }

        return text.ToString();
    }

    private static IEnumerable<IReadOnlyList<string>> Lines(IReadOnlyList<ExperimentRow> rows, bool exact)
    {
        yield return [.. rows[0].Cell.Parameters.Keys, .. rows[0].Values.Keys];
        foreach (var row in rows)
        {
            yield return [.. row.Cell.Parameters.Values, .. row.Values.Values.Select(v => v.ToString(exact ? "R" : "0.####", CultureInfo.InvariantCulture))];
        }
    }

    private static void Write(string folder, string name, string text) =>
        AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
