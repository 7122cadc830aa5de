using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>JSON as Python's json.dumps writes it with ensure_ascii = False, which is what <c>tojson</c> means in chat templates.</summary>
internal static class JsonText
{
    /// <summary>Writes a value.</summary>
    /// <param name="value">A value of a template.</param>
    /// <param name="indent">Blanks a level, or null: all on one line.</param>
    public static string Write(object? value, int? indent)
    {
        var text = new StringBuilder();
        Write(text, value, indent, 0);
        return text.ToString();
    }

    /// <summary>A value of a template from JSON.</summary>
    public static object? Read(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().ToDictionary(member => member.Name, member => Read(member.Value), StringComparer.Ordinal),
        JsonValueKind.Array => element.EnumerateArray().Select(Read).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out long whole) ? (object)whole : element.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static void Write(StringBuilder text, object? value, int? indent, int depth)
    {
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case bool flag:
                text.Append(flag ? "true" : "false");
                break;
            case long or double:
                text.Append(Values.Representation(value));
                break;
            case string s:
                WriteString(text, s);
                break;
            case List<object?> items:
                Write(text, '[', ']', items, indent, depth, item => Write(text, item, indent, depth + 1));
                break;
            case Dictionary<string, object?> mapping:
                Write(text, '{', '}', mapping, indent, depth, entry =>
                {
                    WriteString(text, entry.Key);
                    text.Append(": ");
                    Write(text, entry.Value, indent, depth + 1);
                });
                break;
            default:
                throw new TemplateException($"tojson cannot write {Values.Kind(value)}");
        }
    }

    private static void Write<T>(StringBuilder text, char open, char close, IReadOnlyCollection<T> items, int? indent, int depth, Action<T> write)
    {
        text.Append(open);
        bool isFirst = true;
        foreach (var item in items)
        {
            text.Append(isFirst ? "" : indent is null ? ", " : ",");
            NewLine(depth + 1);
            write(item);
            isFirst = false;
        }

        if (items.Count > 0)
        {
            NewLine(depth);
        }

        text.Append(close);

        void NewLine(int level)
        {
            if (indent is { } width)
            {
                text.Append('\n').Append(' ', width * level);
            }
        }
    }

    private static void WriteString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char c in value)
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\b' => "\\b",
                '\f' => "\\f",
                < ' ' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => c.ToString(),
            });
        }

        text.Append('"');
    }
}
