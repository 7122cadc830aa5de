using System.Text.RegularExpressions;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>Splits a text into the words that BPE works on.</summary>
/// <param name="text">A part of the whole text, not empty.</param>
/// <param name="first">Whether the part begins the whole text.</param>
internal delegate IEnumerable<string> PreTokenizer(string text, bool first);

/// <summary>The <c>pre_tokenizer</c> of a tokenizer.json.</summary>
internal static partial class PreTokenizers
{
    private const char MetaSpace = '\u2581';

    /// <summary>Reads a pre-tokenizer; none takes the text as one word.</summary>
    public static PreTokenizer Parse(JsonView? preTokenizer)
    {
        if (preTokenizer is not { } view)
        {
            return (text, _) => [text];
        }

        var type = view.Required("type");
        return type.Text() switch
        {
            "Sequence" => Chain([.. view.Required("pretokenizers").Items().Select(item => Parse(item))]),
            "ByteLevel" => ByteLevel(view.Flag("add_prefix_space", true), view.Flag("use_regex", true)),
            "Split" => Split(TextPattern.Parse(view.Required("pattern")), ParseBehavior(view.Required("behavior")), view.Flag("invert", false)),
            "Digits" => Split(new TextPattern(Number()), view.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous, false),
            "Metaspace" => Metaspace(view),
            var other => throw type.Error($"is \"{other}\"; known are Sequence, ByteLevel, Split, Digits and Metaspace"),
        };
    }

    /// <summary>Byte-level BPE's words in the alphabet of bytes.</summary>
    /// <param name="addPrefixSpace">Whether a text that does not begin with a space gets one.</param>
    /// <param name="useRegex">Whether GPT-2's expression cuts the text into words first.</param>
    public static PreTokenizer ByteLevel(bool addPrefixSpace, bool useRegex)
    {
        var pattern = new TextPattern(Gpt2Word());
        return (text, _) =>
        {
            var prefixed = addPrefixSpace && text[0] != ' ' ? " " + text : text;
            var words = useRegex ? pattern.Cut(prefixed).Select(span => prefixed.Substring(span.Start, span.Length)) : [prefixed];
            return words.Select(ByteAlphabet.Write);
        };
    }

    /// <summary>Each match of an expression is a word, and so is what lies between matches.</summary>
    public static PreTokenizer Isolated(Regex expression) => Split(new TextPattern(expression), SplitBehavior.Isolated, false);

    /// <summary>One after the other.</summary>
    public static PreTokenizer Then(params PreTokenizer[] steps) => Chain(steps);

    // The expression of OpenAI's GPT-2 encoder (MIT).
    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2Word();

    [GeneratedRegex(@"\p{N}", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    private static PreTokenizer Chain(PreTokenizer[] steps) => (text, first) =>
    {
        var words = new List<string> { text };
        foreach (var step in steps)
        {
            words = [.. words.SelectMany((word, index) => step(word, first && index == 0))];
        }

        return words;
    };

    private static PreTokenizer Split(TextPattern pattern, SplitBehavior behavior, bool invert) => (text, _) =>
        behavior.Apply(pattern.Cut(text), invert).Select(span => text.Substring(span.Start, span.Length));

    private static SplitBehavior ParseBehavior(JsonView behavior) => behavior.Text() switch
    {
        "Isolated" => SplitBehavior.Isolated,
        "Removed" => SplitBehavior.Removed,
        "Contiguous" => SplitBehavior.Contiguous,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        var other => throw behavior.Error(
            $"is \"{other}\"; known are Isolated, Removed, Contiguous, MergedWithPrevious and MergedWithNext"),
    };

    private static PreTokenizer Metaspace(JsonView view)
    {
        var replacement = view.Optional("replacement")?.Text() ?? MetaSpace.ToString();
        var scheme = view.Optional("prepend_scheme")?.Text() ?? (view.Flag("add_prefix_space", true) ? "always" : "never");
        if (scheme is not ("always" or "first" or "never"))
        {
            throw view.Required("prepend_scheme").Error($"is \"{scheme}\"; known are always, first and never");
        }

        PreTokenizer cut = view.Flag("split", true)
            ? Split(new TextPattern(new Regex(Regex.Escape(replacement))), SplitBehavior.MergedWithNext, false)
            : (text, _) => [text];
        return (text, first) =>
        {
            var marked = text.Replace(" ", replacement, StringComparison.Ordinal);
            var prepend = (scheme == "always" || (scheme == "first" && first)) && !marked.StartsWith(replacement, StringComparison.Ordinal);
            return cut(prepend ? replacement + marked : marked, first);
        };
    }
}
