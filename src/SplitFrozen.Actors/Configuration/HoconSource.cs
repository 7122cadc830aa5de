using Akka.Configuration;

using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Configuration;

/// <summary>Parses HOCON from files and from <c>key=value</c> overrides, with errors that name where the text stands.</summary>
internal static class HoconSource
{
    /// <summary>Reads a file.</summary>
    public static Config File(string file)
    {
        try
        {
            return Parse(System.IO.File.ReadAllText(file), file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The configuration file {file} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>
    /// Reads <c>key=value</c>. A value that begins with [, {, " or holds a substitution is HOCON; any other is taken as it stands, since unquoted
    /// HOCON would cut it off at # or // without a word.
    /// </summary>
    public static Config Override(string assignment)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        var key = equals < 0 ? assignment.Trim() : assignment[..equals].Trim();
        var value = equals < 0 ? "" : assignment[(equals + 1)..].Trim();
        if (key.Length == 0 || value.Length == 0)
        {
            throw new UserErrorException($"\"{assignment}\" is not an assignment: write it as key=value, such as splitfrozen.training.seed=2.");
        }

        var isHocon = "[{\"".Contains(value[0], StringComparison.Ordinal) || value.Contains("${", StringComparison.Ordinal);
        return Parse($"{key} = {(isHocon ? value : HoconWriter.Quote(value))}", $"the setting {assignment}");
    }

    /// <summary>Parses a text.</summary>
    /// <param name="text">HOCON.</param>
    /// <param name="source">Where it stands, for messages.</param>
    public static Config Parse(string text, string source)
    {
        CheckBrackets(text, source);
        try
        {
            return ConfigurationFactory.ParseString(text);
        }
        catch (Exception e) when (e is FormatException or ConfigurationException)
        {
            throw new UserErrorException(
                $"{Capitalised(source)} is not valid HOCON: {e.Message.Trim()}{Environment.NewLine}" +
                "Values with : = # // need double quotes, and no comma may stand between sections.", e);
        }
    }

    /// <summary>The parser accepts a file that ends too early, and drops what follows a bracket too many; both would lose settings silently.</summary>
    private static void CheckBrackets(string text, string source)
    {
        var open = new Stack<(char Bracket, int Line)>();
        var line = 1;
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\n':
                    line++;
                    break;
                case '#' or '/' when IsComment(text, i):
                    i = EndOfLine(text, i) - 1;
                    break;
                case '"':
                    i = EndOfString(text, i, ref line, source);
                    break;
                case '{' or '[':
                    open.Push((text[i], line));
                    break;
                case '}' or ']':
                    if (!open.TryPop(out var opening) || opening.Bracket != (text[i] == '}' ? '{' : '['))
                    {
                        throw new UserErrorException($"{Capitalised(source)}, line {line}: the '{text[i]}' closes nothing.");
                    }

                    break;
            }
        }

        if (open.TryPeek(out var left))
        {
            throw new UserErrorException($"{Capitalised(source)}, line {left.Line}: the '{left.Bracket}' is never closed.");
        }
    }

    private static bool IsComment(string text, int at) =>
        text[at] == '#' || (at + 1 < text.Length && text[at + 1] == '/');

    private static int EndOfLine(string text, int at)
    {
        var end = text.IndexOf('\n', at);
        return end < 0 ? text.Length : end;
    }

    private static int EndOfString(string text, int start, ref int line, string source)
    {
        if (text.AsSpan(start).StartsWith("\"\"\""))
        {
            var end = text.IndexOf("\"\"\"", start + 3, StringComparison.Ordinal);
            if (end >= 0)
            {
                line += text.AsSpan(start, end - start).Count('\n');
                return end + 2;
            }
        }
        else
        {
            for (var i = start + 1; i < text.Length && text[i] != '\n'; i++)
            {
                if (text[i] == '"')
                {
                    return i;
                }

                i += text[i] == '\\' ? 1 : 0;
            }
        }

        throw new UserErrorException($"{Capitalised(source)}, line {line}: the double quote is never closed.");
    }

    private static string Capitalised(string source) =>
        source.StartsWith("the ", StringComparison.Ordinal) ? "T" + source[1..] : source;
}
