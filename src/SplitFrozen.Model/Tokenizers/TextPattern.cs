using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

using SplitFrozen.Domain;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>A part of a text: where it stands and whether the pattern matched it.</summary>
internal readonly record struct TextSpan(int Start, int Length, bool IsMatch);

/// <summary>
/// A pattern that cuts a text into parts that match and parts between them, without losing a character. .NET's expressions look at UTF-16
/// units, so that classes such as <c>\p{L}</c> miss letters outside the basic plane: these are matched through a stand-in of the same
/// general category.
/// </summary>
/// <param name="regex">The expression.</param>
/// <param name="origin">Where it stands, for messages; expressions out of files have a time limit.</param>
internal sealed class TextPattern(Regex regex, string origin = "a built-in pattern")
{
    /// <summary>Longest search for one match. Expressions that published tokenizers have need microseconds; others may need longer than anybody lives.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>The pattern of a tokenizer.json: <c>{"Regex": …}</c> or <c>{"String": …}</c>.</summary>
    public static TextPattern Parse(JsonView pattern)
    {
        if (pattern.Optional("String") is { } literal)
        {
            return new TextPattern(new Regex(Regex.Escape(literal.Text()), RegexOptions.CultureInvariant));
        }

        var expression = pattern.Required("Regex");
        try
        {
            return new TextPattern(new Regex(expression.Text(), RegexOptions.Compiled | RegexOptions.CultureInvariant, Limit), $"{expression.File}: {expression.Place}");
        }
        catch (RegexParseException exception)
        {
            throw new UserErrorException(
                $"{expression.File}: {expression.Place} uses syntax that .NET's regular expressions lack: {exception.Message}", exception);
        }
    }

    /// <summary>Cuts a text into its matching and other parts, in order; together they are the text.</summary>
    /// <exception cref="UserErrorException">The expression takes too long.</exception>
    public List<TextSpan> Cut(string text)
    {
        try
        {
            return Search(text);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new UserErrorException(
                $"{origin} searched for more than {e.MatchTimeout.TotalSeconds:0} s in a text of {text.Length} characters. Use the file as it was published with the model.", e);
        }
    }

    private List<TextSpan> Search(string text)
    {
        var (shadow, offsets) = Shadow(text);
        var spans = new List<TextSpan>();
        var end = 0;
        foreach (var match in regex.EnumerateMatches(shadow))
        {
            if (match.Length == 0)
            {
                continue;
            }

            Add(end, match.Index, false);
            end = match.Index + match.Length;
            Add(match.Index, end, true);
        }

        Add(end, shadow.Length, false);
        return spans;

        void Add(int from, int to, bool isMatch)
        {
            if (to > from)
            {
                var start = offsets?[from] ?? from;
                spans.Add(new TextSpan(start, (offsets?[to] ?? to) - start, isMatch));
            }
        }
    }

    /// <summary>The text with one UTF-16 unit for each code point, and where each unit stands in the text; no offsets where they are the same.</summary>
    private static (string Shadow, int[]? Offsets) Shadow(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            return (text, null);
        }

        var shadow = new StringBuilder(text.Length);
        var offsets = new List<int>(text.Length + 1);
        var offset = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            shadow.Append(rune.IsBmp ? (char)rune.Value : StandIn(Rune.GetUnicodeCategory(rune)));
            offsets.Add(offset);
            offset += rune.Utf16SequenceLength;
        }

        offsets.Add(offset);
        return (shadow.ToString(), [.. offsets]);
    }

    private static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u0402',
        UnicodeCategory.LowercaseLetter => '\u0452',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\u02B0',
        UnicodeCategory.OtherLetter => '\u05D0',
        UnicodeCategory.NonSpacingMark => '\u0300',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.EnclosingMark => '\u0488',
        UnicodeCategory.DecimalDigitNumber => '\u0660',
        UnicodeCategory.LetterNumber => '\u2160',
        UnicodeCategory.OtherNumber => '\u00B2',
        UnicodeCategory.ConnectorPunctuation => '\u203F',
        UnicodeCategory.DashPunctuation => '\u2010',
        UnicodeCategory.OpenPunctuation => '\u2045',
        UnicodeCategory.ClosePunctuation => '\u2046',
        UnicodeCategory.OtherPunctuation => '\u2020',
        UnicodeCategory.MathSymbol => '\u2200',
        UnicodeCategory.CurrencySymbol => '\u20AC',
        UnicodeCategory.ModifierSymbol => '\u02C2',
        UnicodeCategory.OtherSymbol => '\u2600',
        UnicodeCategory.Format => '\u2060',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\u0378',
    };
}
