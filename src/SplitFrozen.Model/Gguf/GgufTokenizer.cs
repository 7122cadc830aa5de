using System.Globalization;
using SplitFrozen.Domain;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Gguf;

/// <summary>A tokenizer from a GGUF file's metadata (keys <c>tokenizer.ggml.*</c>): byte-level BPE (model gpt2) or SentencePiece BPE (model llama).</summary>
internal static class GgufTokenizer
{
    /// <summary>Key of the chat template.</summary>
    public const string ChatTemplateKey = "tokenizer.chat_template";

    private const string Prefix = "tokenizer.ggml.";
    private const string ModelKey = Prefix + "model";
    private const string TokensKey = Prefix + "tokens";
    private const string TypesKey = Prefix + "token_type";
    private const string PreKey = Prefix + "pre";

    /// <summary>Kinds of tokens, as llama.cpp numbers them.</summary>
    private enum TokenKind
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    /// <summary>Reads the tokenizer.</summary>
    /// <exception cref="UserErrorException">Keys are missing, contradict each other, or ask for a kind of tokenizer that is not known.</exception>
    public static ITextTokenizer Open(GgufFile file)
    {
        var metadata = file.Metadata;
        string model = metadata.Required(ModelKey, metadata.Text(ModelKey));
        string[] tokens = metadata.Required(TokensKey, metadata.Texts(TokensKey));
        var kinds = Kinds(metadata, tokens.Length);
        return model switch
        {
            "gpt2" => ByteLevel(file, tokens, kinds),
            "llama" => SentencePiece(file, tokens, kinds),
            _ => throw metadata.Unsupported(ModelKey, $"'{model}'", "gpt2 and llama; or put the model's tokenizer.json beside the file"),
        };
    }

    private static TextTokenizer ByteLevel(GgufFile file, string[] tokens, TokenKind[] kinds)
    {
        var metadata = file.Metadata;
        string? pre = metadata.Text(PreKey) ?? (file.Architecture == "gpt2" ? "gpt-2" : null);
        var words = GgufWords.Find(pre)
            ?? throw metadata.Unsupported(PreKey, pre is null ? "absent" : $"'{pre}'", $"{GgufWords.Known}; or put the model's tokenizer.json beside the file");
        var ids = Ids(metadata, tokens, kinds);
        string mergesKey = Prefix + "merges";
        var vocabulary = new BpeVocabulary(
            ids,
            [.. metadata.Required(mergesKey, metadata.Texts(mergesKey)).Select((merge, i) => Merge(metadata, mergesKey, merge, i))],
            IgnoreMerges: words.IgnoreMerges).Checked($"'{file.Path}'", $"'{file.Path}', {mergesKey}", 0);
        return Tokenizer(metadata, tokens, kinds, vocabulary, words.BeginsText, text => text, words.Cut, TokenDecoders.ByteLevel);
    }

    private static TextTokenizer SentencePiece(GgufFile file, string[] tokens, TokenKind[] kinds)
    {
        var metadata = file.Metadata;
        string scoresKey = Prefix + "scores";
        float[] scores = metadata.Required(scoresKey, metadata.Floats(scoresKey));
        if (scores.Length != tokens.Length)
        {
            throw metadata.Unsupported(scoresKey, $"a list of {scores.Length}", $"as many as there are tokens, {tokens.Length}");
        }

        bool prefixed = metadata.Flag(Prefix + "add_space_prefix") ?? true;
        var vocabulary = new BpeVocabulary(
            Ids(metadata, tokens, kinds), SentencePieceMerges.Of(file.Path, tokens, scores, [.. kinds.Select(kind => kind == TokenKind.Normal)]),
            Special(metadata, "unknown_token_id", tokens) is { } unknown ? tokens[unknown] : null, ByteFallback: true, FuseUnknown: true);
        return Tokenizer(
            metadata, tokens, kinds, vocabulary, beginsText: true, SentencePieceMarks.Normalizer(prefixed), (text, _) => [text], SentencePieceMarks.Decoder(prefixed));
    }

    private static TextTokenizer Tokenizer(
        GgufMetadata metadata, string[] tokens, TokenKind[] kinds, BpeVocabulary vocabulary, bool beginsText,
        Func<string, string> normalize, PreTokenizer cut, Func<IReadOnlyList<string>, IReadOnlyList<string>> decode)
    {
        int? begin = Special(metadata, "bos_token_id", tokens);
        int? end = Special(metadata, "eos_token_id", tokens);
        int[] prefix = (metadata.Flag(Prefix + "add_bos_token") ?? beginsText) && begin is { } first ? [first] : [];
        int[] suffix = (metadata.Flag(Prefix + "add_eos_token") ?? false) && end is { } last ? [last] : [];
        return new TextTokenizer(new TokenizerParts(
            [.. Added(tokens, kinds)], normalize, cut, vocabulary, prefix, suffix, decode, begin, end));
    }

    /// <summary>Tokens that are found in the text as it stands. The unknown token is one of them, as in Hugging Face's files.</summary>
    private static IEnumerable<AddedToken> Added(string[] tokens, TokenKind[] kinds) =>
        from id in Enumerable.Range(0, tokens.Length)
        where kinds[id] is TokenKind.Control or TokenKind.UserDefined or TokenKind.Unknown && tokens[id].Length > 0
        select new AddedToken(id, tokens[id], Special: kinds[id] != TokenKind.UserDefined);

    private static TokenKind[] Kinds(GgufMetadata metadata, int tokens)
    {
        if (metadata.Integers(TypesKey) is not { } kinds)
        {
            return [.. Enumerable.Repeat(TokenKind.Normal, tokens)];
        }

        return kinds.Length == tokens
            ? Array.ConvertAll(kinds, kind => (TokenKind)kind)
            : throw metadata.Unsupported(TypesKey, $"a list of {kinds.Length}", $"as many as there are tokens, {tokens}");
    }

    private static Dictionary<string, int> Ids(GgufMetadata metadata, string[] tokens, TokenKind[] kinds)
    {
        var ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            // Rows that only pad the table may share one name.
            if (!ids.TryAdd(tokens[id], id) && kinds[id] != TokenKind.Unused)
            {
                throw metadata.Unsupported(TokensKey, $"a list that has token {id} (\"{tokens[id]}\") twice", "lists of different tokens");
            }
        }

        return ids;
    }

    private static (string Left, string Right) Merge(GgufMetadata metadata, string key, string merge, int index)
    {
        // The space between the two is not the first character: a token may begin with one in no byte-level vocabulary.
        int space = merge.IndexOf(' ', Math.Min(1, merge.Length));
        return space > 0 && space < merge.Length - 1
            ? (merge[..space], merge[(space + 1)..])
            : throw metadata.Unsupported(string.Create(CultureInfo.InvariantCulture, $"{key}[{index}]"), $"\"{merge}\"", "two tokens with a space between them");
    }

    private static int? Special(GgufMetadata metadata, string name, string[] tokens)
    {
        string key = Prefix + name;
        return metadata.Integer(key) switch
        {
            null => null,
            // llama.cpp writes -1 as an unsigned number for a token that is not there.
            uint.MaxValue => null,
            { } id when id < tokens.Length => (int)id,
            { } id => throw metadata.Unsupported(key, $"{id}", $"ids of the {tokens.Length} tokens"),
        };
    }
}
