using System.Text;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>What filters and methods of texts share.</summary>
internal static class TextForms
{
    /// <summary>The first letter in upper case, all others in lower.</summary>
    public static string Capitalize(string text) =>
        text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    /// <summary>Each word's first letter in upper case, all others in lower.</summary>
    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        bool isInside = false;
        foreach (char c in text)
        {
            title.Append(isInside ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            isInside = char.IsLetter(c);
        }

        return title.ToString();
    }

    /// <summary>Replaces the first <paramref name="count"/> places, all of them if it is negative.</summary>
    public static string Replace(string text, string old, string by, long count)
    {
        if (count < 0 && old.Length > 0)
        {
            return text.Replace(old, by, StringComparison.Ordinal);
        }

        if (old.Length == 0)
        {
            throw new TemplateException("replace needs a text to look for that is not empty");
        }

        var replaced = new StringBuilder();
        int from = 0;
        for (int at; count > 0 && (at = text.IndexOf(old, from, StringComparison.Ordinal)) >= 0; count--)
        {
            replaced.Append(text, from, at - from).Append(by);
            from = at + old.Length;
        }

        return replaced.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>Parts between separators; of more separators than <paramref name="most"/> the last ones count.</summary>
    public static List<string> SplitFromRight(string text, string separator, int most)
    {
        var parts = new List<string>();
        int end = text.Length;
        for (int at; parts.Count < most && end > 0 && (at = text.LastIndexOf(separator, end - 1, end, StringComparison.Ordinal)) >= 0; end = at)
        {
            parts.Insert(0, text[(at + separator.Length)..end]);
        }

        parts.Insert(0, text[..end]);
        return parts;
    }

    /// <summary>Puts blanks before each line but, unless asked for, the first and empty ones.</summary>
    public static string Indent(string text, string blanks, bool first, bool emptyLines)
    {
        string[] lines = text.Split('\n');
        return string.Join('\n', lines.Select((line, i) => (i == 0 ? first : emptyLines || line.Length > 0) ? blanks + line : line));
    }
}
