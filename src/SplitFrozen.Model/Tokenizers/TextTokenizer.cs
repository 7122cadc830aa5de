namespace SplitFrozen.Model.Tokenizers;

/// <summary>The parts of a tokenizer, in the order in which a text passes them.</summary>
/// <param name="AddedTokens">Tokens found in the text as it stands.</param>
/// <param name="Normalize">What is done to the texts between those.</param>
/// <param name="PreTokenize">How they are cut into words.</param>
/// <param name="Vocabulary">Tokens and merges for the words.</param>
/// <param name="Prefix">Ids that the post-processor puts before a text.</param>
/// <param name="Suffix">Ids that it puts after a text.</param>
/// <param name="Decode">From tokens to pieces of text.</param>
/// <param name="BeginOfText">The token that begins a text, if known.</param>
/// <param name="EndOfText">The token that ends a text, if known.</param>
internal sealed record TokenizerParts(
    IReadOnlyList<AddedToken> AddedTokens, Func<string, string> Normalize, PreTokenizer PreTokenize, BpeVocabulary Vocabulary,
    int[] Prefix, int[] Suffix, Func<IReadOnlyList<string>, IReadOnlyList<string>> Decode, int? BeginOfText, int? EndOfText);

/// <summary>A tokenizer put together from its parts.</summary>
internal sealed class TextTokenizer : ITextTokenizer
{
    private readonly TokenizerParts _parts;
    private readonly AddedTokenSplitter _rawSplitter;
    private readonly AddedTokenSplitter _normalizedSplitter;
    private readonly BpeModel _model;
    private readonly string?[] _tokens;
    private readonly HashSet<int> _special;

    /// <summary>Puts a tokenizer together.</summary>
    public TextTokenizer(TokenizerParts parts)
    {
        _parts = parts;
        _rawSplitter = new AddedTokenSplitter(parts.AddedTokens.Where(token => !token.Normalized));
        _normalizedSplitter = new AddedTokenSplitter(
            parts.AddedTokens.Where(token => token.Normalized).Select(token => token with { Content = parts.Normalize(token.Content) }).Where(token => token.Content.Length > 0));
        _model = new BpeModel(parts.Vocabulary);
        _special = [.. parts.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
        _tokens = new string?[1 + parts.Vocabulary.Tokens.Values.Concat(parts.AddedTokens.Select(token => token.Id)).DefaultIfEmpty(-1).Max()];
        foreach (var (token, id) in parts.Vocabulary.Tokens)
        {
            _tokens[id] = token;
        }

        foreach (var token in parts.AddedTokens)
        {
            _tokens[token.Id] = token.Content;
        }
    }

    /// <inheritdoc/>
    public int VocabularySize => _tokens.Length;

    /// <inheritdoc/>
    public int? BeginOfText => _parts.BeginOfText;

    /// <inheritdoc/>
    public int? EndOfText => _parts.EndOfText;

    /// <inheritdoc/>
    public int[] Encode(string text, bool addSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        if (addSpecialTokens)
        {
            ids.AddRange(_parts.Prefix);
        }

        var first = true;
        foreach (var segment in _rawSplitter.Split(ReplaceLoneSurrogates(text)))
        {
            foreach (var part in segment.TokenId is null ? _normalizedSplitter.Split(_parts.Normalize(segment.Text)) : [segment])
            {
                Add(part, first, ids);
                first = false;
            }
        }

        if (addSpecialTokens)
        {
            ids.AddRange(_parts.Suffix);
        }

        return [.. ids];
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tokens = ids.Where(id => !skipSpecialTokens || !_special.Contains(id)).Select(Token).ToList();
        return string.Concat(_parts.Decode(tokens));
    }

    private void Add(TextSegment segment, bool first, List<int> ids)
    {
        if (segment.TokenId is { } id)
        {
            ids.Add(id);
            return;
        }

        foreach (var word in _parts.PreTokenize(segment.Text, first))
        {
            _model.Encode(word, ids);
        }
    }

    private string Token(int id) => id >= 0 && id < _tokens.Length && _tokens[id] is { } token
        ? token
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"The tokenizer has no token {id}; it has {VocabularySize} tokens.");

    private static string ReplaceLoneSurrogates(string text) =>
        text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? string.Concat(text.EnumerateRunes().Select(rune => rune.ToString())) : text;
}
