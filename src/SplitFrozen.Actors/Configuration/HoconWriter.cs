using System.Globalization;
using System.Text;

using Akka.Configuration.Hocon;

namespace SplitFrozen.Actors.Configuration;

/// <summary>Renders a configuration tree as HOCON that reads back to the same tree.</summary>
internal static class HoconWriter
{
    private const NumberStyles Number = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>A quoted HOCON string.</summary>
    public static string Quote(string text) =>
        '"' + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal) + '"';

    /// <summary>Renders a section and its name, such as <c>splitfrozen { … }</c>.</summary>
    public static string Section(string name, HoconValue value)
    {
        var text = new StringBuilder();
        Write(text, Literal(name), value, 0);
        return text.ToString();
    }

    private static void Write(StringBuilder text, string key, HoconValue value, int depth)
    {
        var indent = new string(' ', depth * 2);
        if (!value.IsObject())
        {
            text.Append(indent).Append(key).Append(" = ").AppendLine(Inline(value));
            return;
        }

        text.Append(indent).Append(key).AppendLine(" {");
        foreach (var (child, childValue) in value.GetObject().Items)
        {
            Write(text, Literal(child), childValue, depth + 1);
        }

        text.Append(indent).AppendLine("}");
    }

    /// <summary>Renders a value on one line.</summary>
    public static string Inline(HoconValue value)
    {
        if (value.IsObject())
        {
            return "{ " + string.Join(", ", value.GetObject().Items.Select(i => $"{Literal(i.Key)} = {Inline(i.Value)}")) + " }";
        }

        return HoconTree.Items(value) is { } items
            ? "[" + string.Join(", ", items.Select(Inline)) + "]"
            : Literal(value.IsString() ? value.GetString() ?? "" : "");
    }

    /// <summary>A text without quotes where it reads back as it stands. Numbers with separators would not: a comma ends a value.</summary>
    private static string Literal(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '+')
            || double.TryParse(text, Number, CultureInfo.InvariantCulture, out _) ? text : Quote(text);
}
