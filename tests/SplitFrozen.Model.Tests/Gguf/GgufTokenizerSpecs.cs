using SplitFrozen.Domain;
using SplitFrozen.Model.Gguf;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tests.Tokenizers;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Gguf;

/// <summary>Tokenizers from metadata give the reference ids of the tokenizers that the metadata was made of.</summary>
public sealed class GgufTokenizerSpecs
{
    private const int Normal = 1;
    private const int Unknown = 2;
    private const int Control = 3;
    private const int UserDefined = 4;
    private const int Byte = 6;

    [Fact]
    public void Should_give_the_reference_ids_of_a_sentence_piece_vocabulary()
    {
        var tokenizer = Open(Stories());
        AssertReference("stories260k", tokenizer);
        Assert.Equal((512, 1, 2), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    [Fact]
    public void Should_give_the_reference_ids_of_a_byte_level_vocabulary()
    {
        var tokenizer = Open(TinyGpt2("gpt-2"));
        AssertReference("tiny-gpt2", tokenizer);
        Assert.Equal((8192, 8191, 8191), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    [Fact]
    public void Should_add_the_tokens_that_the_file_asks_for()
    {
        var usual = Open(TinyGpt2("smollm"));
        var both = Open(TinyGpt2("smollm").Add("tokenizer.ggml.add_bos_token", true).Add("tokenizer.ggml.add_eos_token", true));
        int[] ids = usual.Encode("card 42", addSpecialTokens: true);
        Assert.Equal([8191, .. ids, 8191], both.Encode("card 42", addSpecialTokens: true));
        Assert.Equal(ids, both.Encode("card 42", addSpecialTokens: false));
        Assert.NotEqual(8191, ids[0]);
        Assert.Equal(Open(Stories()).Encode("a", true)[1..], Open(Stories().Add("tokenizer.ggml.add_bos_token", false)).Encode("a", true));
    }

    [Fact]
    public void Should_cut_numbers_as_the_name_of_the_cut_says()
    {
        // 'smollm' cuts every digit off, which also parts the first one from the space before it.
        var digits = Open(TinyGpt2("smollm"));
        int[] apart = [.. new[] { " ", "1", "2", "3", "4" }.SelectMany(word => digits.Encode(word, false))];
        Assert.Equal(apart, digits.Encode(" 1234", addSpecialTokens: false));

        // 'llama-bpe' cuts runs of up to three, without the space.
        var threes = Open(TinyGpt2("llama-bpe"));
        int[] cut = [.. new[] { " ", "123", "4" }.SelectMany(word => threes.Encode(word, false))];
        Assert.Equal(cut, threes.Encode(" 1234", addSpecialTokens: false));
    }

    [Fact]
    public void Should_find_user_defined_tokens_in_the_text_and_keep_them_in_it()
    {
        var (tokens, kinds) = StoriesTokens();
        tokens[300] = "<tool>";
        kinds[300] = UserDefined;
        var tokenizer = Open(Stories(tokens, kinds));
        int[] ids = tokenizer.Encode("Once<tool></s>", addSpecialTokens: false);
        Assert.Equal([300, 2], ids[^2..]);
        Assert.Equal("Once<tool>", tokenizer.Decode(ids));
    }

    [Theory]
    [InlineData("tokenizer.ggml.model", "t5", "'t5'")]
    [InlineData("tokenizer.ggml.pre", "deepseek-v3", "'deepseek-v3'")]
    [InlineData("tokenizer.ggml.bos_token_id", 8192u, "tokenizer.ggml.bos_token_id")]
    [InlineData("tokenizer.ggml.token_type", new[] { 1, 1 }, "tokenizer.ggml.token_type")]
    [InlineData("tokenizer.ggml.merges", new[] { "ab" }, "tokenizer.ggml.merges")]
    [InlineData("tokenizer.ggml.tokens", new[] { "a", "a" }, "token_type")]
    public void Should_refuse_what_it_cannot_follow_and_name_the_key(string key, object value, string named)
    {
        var writer = key == "tokenizer.ggml.pre" ? TinyGpt2((string)value) : TinyGpt2("gpt-2", except: key).Add(key, value);
        Assert.Contains(named, Assert.Throws<UserErrorException>(() => Open(writer)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_prefer_tokenizer_files_beside_the_file()
    {
        using var folder = new TestFolder();
        Stories().Tensor("token_embd.weight", new float[32], 1, 32).Write(folder.File("a.gguf"));
        Assert.Equal(512, TokenizerFolder.Open(folder.Path).VocabularySize);
        File.Copy(Path.Combine(Repository.TinyGpt2, "vocab.json"), folder.File("vocab.json"));
        Assert.Equal(512, TokenizerFolder.Open(folder.Path).VocabularySize);
        File.Copy(Path.Combine(Repository.TinyGpt2, "merges.txt"), folder.File("merges.txt"));
        Assert.Equal(8192, TokenizerFolder.Open(folder.Path).VocabularySize);
        Assert.Equal(8192, TokenizerFolder.Open(folder.File("a.gguf")).VocabularySize);
    }

    private static void AssertReference(string name, ITextTokenizer tokenizer)
    {
        var reference = TokenizerReference.Read(Repository.Fixture("tokenizers", "ids.json"), name);
        reference.AssertIds(tokenizer);
        reference.AssertSpecialTokens(tokenizer);
        reference.AssertTexts(tokenizer);
    }

    private static ITextTokenizer Open(GgufWriter writer)
    {
        using var folder = new TestFolder();
        writer.Write(folder.File("a.gguf"));
        return TokenizerFolder.Open(folder.File("a.gguf"));
    }

    private static GgufWriter TinyGpt2(string pre, string except = "")
    {
        var vocabulary = Json.Read(Path.Combine(Repository.TinyGpt2, "vocab.json"));
        string[] tokens = [.. vocabulary.EnumerateObject().OrderBy(token => token.Value.GetInt32()).Select(token => token.Name)];
        int[] kinds = [.. tokens.Select(token => token == "<|endoftext|>" ? Control : Normal)];
        string[] merges = [.. File.ReadLines(Path.Combine(Repository.TinyGpt2, "merges.txt")).Where(line => !line.StartsWith("#version", StringComparison.Ordinal))];
        var writer = new GgufWriter("llama").Add("tokenizer.ggml.pre", pre);
        (string Key, object Value)[] pairs =
        [
            ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.tokens", tokens), ("tokenizer.ggml.token_type", kinds), ("tokenizer.ggml.merges", merges),
            ("tokenizer.ggml.bos_token_id", 8191u), ("tokenizer.ggml.eos_token_id", 8191u),
        ];
        return pairs.Where(pair => pair.Key != except).Aggregate(writer, (sum, pair) => sum.Add(pair.Key, pair.Value));
    }

    private static (string[] Tokens, int[] Kinds) StoriesTokens()
    {
        var model = Json.Read(Repository.Fixture("stories260k", "tokenizer.json")).GetProperty("model");
        string[] tokens = [.. model.GetProperty("vocab").EnumerateObject().OrderBy(token => token.Value.GetInt32()).Select(token => token.Name)];
        int[] kinds = [.. tokens.Select((token, id) => id switch
        {
            0 => Unknown,
            1 or 2 => Control,
            _ => token.StartsWith("<0x", StringComparison.Ordinal) ? Byte : Normal,
        })];
        return (tokens, kinds);
    }

    private static GgufWriter Stories()
    {
        var (tokens, kinds) = StoriesTokens();
        return Stories(tokens, kinds);
    }

    /// <summary>SentencePiece gives a merged piece the negative of its rank as score, and characters the scores after those.</summary>
    private static GgufWriter Stories(string[] tokens, int[] kinds) => new GgufWriter("llama")
        .Add("tokenizer.ggml.model", "llama")
        .Add("tokenizer.ggml.tokens", tokens)
        .Add("tokenizer.ggml.scores", Enumerable.Range(0, tokens.Length).Select(id => kinds[id] == Normal ? -(float)(id - 259) : 0f).ToArray())
        .Add("tokenizer.ggml.token_type", kinds)
        .Add("tokenizer.ggml.bos_token_id", 1u)
        .Add("tokenizer.ggml.eos_token_id", 2u)
        .Add("tokenizer.ggml.unknown_token_id", 0u);
}
