using System.Collections;
using System.Globalization;
using System.Text;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>A list that cannot be changed, and prints in round brackets.</summary>
internal sealed class TemplateTuple(IEnumerable<object?> items) : List<object?>(items);

/// <summary>
/// Values are those of Python as far as templates meet them: null, bool, long, double, string, lists (<c>List&lt;object?&gt;</c>), mappings with string
/// keys in their order (<c>Dictionary&lt;string, object?&gt;</c>), <see cref="Undefined"/>, <see cref="TemplateNamespace"/> and <see cref="Callable"/>.
/// </summary>
internal static class Values
{
    /// <summary>Whether a value counts as true.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        ICollection items => items.Count > 0,
        _ => true,
    };

    /// <summary>Equality; numbers of different types are equal where their values are.</summary>
    public static bool AreEqual(object? a, object? b) => (a, b) switch
    {
        (null, null) => true,
        (Undefined, Undefined) => true,
        (string x, string y) => x == y,
        (List<object?> x, List<object?> y) => x is TemplateTuple == y is TemplateTuple && x.Count == y.Count && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second)),
        (Dictionary<string, object?> x, Dictionary<string, object?> y) =>
            x.Count == y.Count && x.All(entry => y.TryGetValue(entry.Key, out object? other) && AreEqual(entry.Value, other)),
        _ when IsNumber(a) && IsNumber(b) => ToDouble(a) == ToDouble(b),
        _ => ReferenceEquals(a, b),
    };

    /// <summary>Order of two numbers or two strings.</summary>
    public static int Compare(object? a, object? b) => (a, b) switch
    {
        (string x, string y) => string.CompareOrdinal(x, y),
        _ when IsNumber(a) && IsNumber(b) => ToDouble(a).CompareTo(ToDouble(b)),
        _ => throw new TemplateException($"{Kind(a)} and {Kind(b)} cannot be ordered"),
    };

    /// <summary>Whether <paramref name="part"/> is in a string, list or mapping.</summary>
    public static bool Contains(object? whole, object? part) => whole switch
    {
        string text => part is string piece ? text.Contains(piece, StringComparison.Ordinal) : throw new TemplateException($"'in' a text needs a text, not {Kind(part)}"),
        List<object?> items => items.Exists(item => AreEqual(item, part)),
        Dictionary<string, object?> mapping => part is string key && mapping.ContainsKey(key),
        Undefined undefined => throw new TemplateException($"'{undefined.Name}' is undefined"),
        _ => throw new TemplateException($"'in' needs a text, a list or a mapping, not {Kind(whole)}"),
    };

    /// <summary>What a loop over a value goes through.</summary>
    public static List<object?> Items(object? value) => value switch
    {
        List<object?> items => items,
        Dictionary<string, object?> mapping => [.. mapping.Keys],
        string text => [.. text.EnumerateRunes().Select(rune => rune.ToString())],
        Undefined => [],
        _ => throw new TemplateException($"{Kind(value)} cannot be gone through item by item"),
    };

    /// <summary>A value as a template prints it.</summary>
    public static string Text(object? value) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Representation(value),
    };

    /// <summary>Python's repr.</summary>
    public static string Representation(object? value)
    {
        switch (value)
        {
            case null:
                return "None";
            case bool flag:
                return flag ? "True" : "False";
            case long number:
                return number.ToString(CultureInfo.InvariantCulture);
            case double number:
                string digits = number.ToString("R", CultureInfo.InvariantCulture);
                return digits.AsSpan().ContainsAny('.', 'E', 'N') || digits.Contains("Infinity", StringComparison.Ordinal) ? digits : digits + ".0";
            case string text:
                return Quoted(text);
            case TemplateTuple items:
                return $"({string.Join(", ", items.Select(Representation))}{(items.Count == 1 ? "," : "")})";
            case List<object?> items:
                return $"[{string.Join(", ", items.Select(Representation))}]";
            case Dictionary<string, object?> mapping:
                return $"{{{string.Join(", ", mapping.Select(entry => $"{Quoted(entry.Key)}: {Representation(entry.Value)}"))}}}";
            default:
                throw new TemplateException($"{Kind(value)} cannot be printed");
        }
    }

    /// <summary>A value's kind in words.</summary>
    public static string Kind(object? value) => value switch
    {
        null => "none",
        Undefined undefined => $"the undefined '{undefined.Name}'",
        bool => "a truth value",
        long or double => "a number",
        string => "a text",
        List<object?> => "a list",
        Dictionary<string, object?> => "a mapping",
        TemplateNamespace => "a namespace",
        Callable callable => $"the function {callable.Name}",
        _ => "something",
    };

    /// <summary>Whether a value is a number; truth values count as 0 and 1, as in Python.</summary>
    public static bool IsNumber(object? value) => value is long or double or bool;

    /// <summary>A number as double.</summary>
    public static double ToDouble(object? value) => value switch
    {
        long number => number,
        double number => number,
        bool flag => flag ? 1 : 0,
        _ => throw new TemplateException($"a number is needed, not {Kind(value)}"),
    };

    /// <summary>A whole number.</summary>
    public static long ToInteger(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        _ => throw new TemplateException($"a whole number is needed, not {Kind(value)}"),
    };

    /// <summary>A text.</summary>
    public static string ToText(object? value, string callee) =>
        value as string ?? throw new TemplateException($"{callee} needs a text, not {Kind(value)}");

    private static string Quoted(string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var quoted = new StringBuilder().Append(quote);
        foreach (char c in text)
        {
            quoted.Append(c switch
            {
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ when c == quote => "\\" + c,
                < ' ' => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => c.ToString(),
            });
        }

        return quoted.Append(quote).ToString();
    }
}
