namespace SplitFrozen.Model.Tokenizers;

/// <summary>
/// The <c>normalizer</c> of a tokenizer.json: what is done to a text before it is split. Unicode's forms (NFC and its kin) are refused: .NET
/// leaves texts silently as they are where it runs without ICU, as this program does.
/// </summary>
internal static class TextNormalizers
{
    /// <summary>Reads a normalizer; none leaves the text as it is.</summary>
    public static Func<string, string> Parse(JsonView? normalizer)
    {
        if (normalizer is not { } view)
        {
            return text => text;
        }

        var type = view.Required("type");
        return type.Text() switch
        {
            "Sequence" => Chain([.. view.Required("normalizers").Items().Select(item => Parse(item))]),
            "Prepend" => Prepend(view.Required("prepend").Text()),
            "Replace" => Replace(TextPattern.Parse(view.Required("pattern")), view.Required("content").Text()),
            "Lowercase" => text => text.ToLowerInvariant(),
            "Strip" => Strip(view.Flag("strip_left", true), view.Flag("strip_right", true)),
            var other => throw type.Error($"is \"{other}\"; known are Sequence, Prepend, Replace, Lowercase and Strip"),
        };
    }

    private static Func<string, string> Chain(Func<string, string>[] steps) => text => steps.Aggregate(text, (current, step) => step(current));

    private static Func<string, string> Prepend(string prefix) => text => text.Length == 0 ? text : prefix + text;

    private static Func<string, string> Strip(bool left, bool right) => text =>
    {
        text = left ? text.TrimStart() : text;
        return right ? text.TrimEnd() : text;
    };

    private static Func<string, string> Replace(TextPattern pattern, string content) => text =>
        string.Concat(pattern.Cut(text).Select(span => span.IsMatch ? content : text.Substring(span.Start, span.Length)));
}
