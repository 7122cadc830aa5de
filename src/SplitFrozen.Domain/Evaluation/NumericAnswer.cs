using System.Globalization;
using System.Text.RegularExpressions;

namespace SplitFrozen.Domain.Evaluation;

/// <summary>The final number of a worked answer in GSM8K's form, which stands after <c>####</c>; two answers match where these numbers do (Cobbe et al. 2021).</summary>
public static partial class NumericAnswer
{
    private const string Mark = "####";

    /// <summary>
    /// The number after the first mark, in a form in which equal numbers are equal texts: without currency signs, thousands' commas, a trailing dot, a plus
    /// sign and zeros that say nothing.
    /// </summary>
    /// <param name="text">A worked answer.</param>
    /// <returns>The number, or null where there is no mark or no number after it on its line.</returns>
    public static string? Of(string text)
    {
        var mark = text.IndexOf(Mark, StringComparison.Ordinal);
        if (mark < 0)
        {
            return null;
        }

        var line = text[(mark + Mark.Length)..].TrimStart(' ', '\t').Split('\n', 2)[0];
        var found = Number().Match(line.Replace(",", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal));
        return found.Success ? Normalise(found.Groups[1].Value) : null;
    }

    /// <summary>Whether an answer has the reference's number. False where either has none.</summary>
    public static bool Matches(string answer, string reference) => Of(answer) is { } number && number == Of(reference);

    private static string Normalise(string number)
    {
        var sign = number[0] == '-' ? "-" : "";
        var (whole, fraction) = number.TrimStart('-', '+').Split('.', 2) is [var w, var f] ? (w, f.TrimEnd('0')) : (number.TrimStart('-', '+'), "");
        whole = whole.TrimStart('0') is { Length: > 0 } digits ? digits : "0";
        var value = fraction.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $"{whole}.{fraction}") : whole;
        return value == "0" ? value : sign + value;
    }

    /// <summary>A number at the start, behind at most a few signs such as a currency's or an opening bracket.</summary>
    [GeneratedRegex(@"^[^\w\-+.]*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
