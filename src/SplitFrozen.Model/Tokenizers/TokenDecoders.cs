using System.Globalization;
using System.Text;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>The <c>decoder</c> of a tokenizer.json: from tokens to pieces of text, which are then joined.</summary>
internal static class TokenDecoders
{
    /// <summary>Byte-level BPE's decoder: tokens are spelled in the alphabet of bytes.</summary>
    public static IReadOnlyList<string> ByteLevel(IReadOnlyList<string> tokens) => [Encoding.UTF8.GetString(ByteAlphabet.Read(tokens))];

    /// <summary>Reads a decoder; none joins tokens by spaces.</summary>
    public static Func<IReadOnlyList<string>, IReadOnlyList<string>> Parse(JsonView? decoder)
    {
        if (decoder is not { } view)
        {
            return tokens => [string.Join(' ', tokens)];
        }

        var type = view.Required("type");
        return type.Text() switch
        {
            "Sequence" => Chain([.. view.Required("decoders").Items().Select(item => Parse(item))]),
            "ByteLevel" => ByteLevel,
            "Replace" => Replace(view.Required("pattern").Required("String").Text(), view.Required("content").Text()),
            "ByteFallback" => ByteFallback,
            "Fuse" => tokens => [string.Concat(tokens)],
            "Strip" => Strip(view.Required("content").Text(), view.Required("start").Integer(), view.Required("stop").Integer()),
            "Metaspace" => Metaspace(
                view.Optional("replacement")?.Text() ?? "\u2581",
                dropFirst: view.Optional("prepend_scheme")?.Text() != "never" && view.Flag("add_prefix_space", true)),
            var other => throw type.Error($"is \"{other}\"; known are Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip and Metaspace"),
        };
    }

    private static Func<IReadOnlyList<string>, IReadOnlyList<string>> Chain(Func<IReadOnlyList<string>, IReadOnlyList<string>>[] steps) =>
        tokens => steps.Aggregate(tokens, (current, step) => step(current));

    private static Func<IReadOnlyList<string>, IReadOnlyList<string>> Replace(string what, string by) =>
        tokens => [.. tokens.Select(token => token.Replace(what, by, StringComparison.Ordinal))];

    /// <summary>Runs of byte tokens such as <c>&lt;0x0A&gt;</c> become their UTF-8 text; in a run that is no UTF-8 each byte becomes U+FFFD.</summary>
    public static List<string> ByteFallback(IReadOnlyList<string> tokens)
    {
        var pieces = new List<string>();
        var run = new List<byte>();
        foreach (var token in tokens)
        {
            if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
                && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                run.Add(value);
            }
            else
            {
                Flush();
                pieces.Add(token);
            }
        }

        Flush();
        return pieces;

        void Flush()
        {
            if (run.Count > 0)
            {
                byte[] bytes = [.. run];
                pieces.Add(System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : new string('\uFFFD', bytes.Length));
                run.Clear();
            }
        }
    }

    /// <summary>Takes up to so many leading and trailing copies of a character off each piece.</summary>
    private static Func<IReadOnlyList<string>, IReadOnlyList<string>> Strip(string content, int start, int stop) => tokens => [.. tokens.Select(token =>
    {
        for (var i = 0; i < start && token.StartsWith(content, StringComparison.Ordinal); i++)
        {
            token = token[content.Length..];
        }

        for (var i = 0; i < stop && token.EndsWith(content, StringComparison.Ordinal); i++)
        {
            token = token[..^content.Length];
        }

        return token;
    })];

    private static Func<IReadOnlyList<string>, IReadOnlyList<string>> Metaspace(string replacement, bool dropFirst) => tokens => [.. tokens.Select((token, index) =>
    {
        var text = token.Replace(replacement, " ", StringComparison.Ordinal);
        return index == 0 && dropFirst && text.StartsWith(' ') ? text[1..] : text;
    })];
}
