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
                item[name] = double.IsFinite(value) ? value : null;
                if (row.Spreads.TryGetValue(name, out var spread))
                {
                    item[name + "_spread"] = double.IsFinite(spread) ? spread : null;
                }
            }

            foreach (var (name, word) in row.Words)
            {
                item[name] = word;
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
        yield return [.. rows[0].Cell.Parameters.Keys, .. rows[0].Values.Keys.SelectMany(name => exact && rows[0].Spreads.ContainsKey(name) ? [name, name + "_spread"] : new[] { name }), .. rows[0].Words.Keys];
        foreach (var row in rows)
        {
            yield return [.. row.Cell.Parameters.Values, .. row.Values.SelectMany(v => exact ? Exact(row, v.Key, v.Value) : [Shown(row, v.Key, v.Value)]), .. row.Words.Values];
        }
    }

    private static IEnumerable<string> Exact(ExperimentRow row, string name, double value)
    {
        yield return value.ToString("R", CultureInfo.InvariantCulture);
        if (row.Spreads.TryGetValue(name, out var spread))
        {
            yield return spread.ToString("R", CultureInfo.InvariantCulture);
        }
    }

    private static string Shown(ExperimentRow row, string name, double value)
    {
        var text = double.IsFinite(value) ? value.ToString("0.####", CultureInfo.InvariantCulture) : "–";
        return row.Spreads.GetValueOrDefault(name) is var spread and > 0 ? string.Create(CultureInfo.InvariantCulture, $"{text} ± {spread:0.####}") : text;
    }

    private static void Write(string folder, string name, string text) =>
        AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
