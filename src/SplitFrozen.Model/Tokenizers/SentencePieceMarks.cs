namespace SplitFrozen.Model.Tokenizers;

/// <summary>SentencePiece's spaces: they are written as U+2581, and a text begins with one.</summary>
internal static class SentencePieceMarks
{
    private const char Mark = '\u2581';

    /// <summary>Spaces become marks, and a text gets one before it where <paramref name="prefixed"/>.</summary>
    public static Func<string, string> Normalizer(bool prefixed) => text =>
    {
        string marked = text.Replace(' ', Mark);
        return prefixed && marked.Length > 0 ? Mark + marked : marked;
    };

    /// <summary>Marks become spaces, byte tokens their text, and the space that <see cref="Normalizer"/> put before a text goes.</summary>
    public static Func<IReadOnlyList<string>, IReadOnlyList<string>> Decoder(bool prefixed) => tokens =>
    {
        string text = string.Concat(TokenDecoders.ByteFallback([.. tokens.Select(token => token.Replace(Mark, ' '))]));
        return [prefixed && text.StartsWith(' ') ? text[1..] : text];
    };
}
