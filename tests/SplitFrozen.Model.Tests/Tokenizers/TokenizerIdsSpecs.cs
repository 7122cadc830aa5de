using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Tokenizers;

/// <summary>Ids and texts against those of Hugging Face tokenizers, string by string.</summary>
public sealed class TokenizerIdsSpecs
{
    public static TheoryData<string> Names => ["gpt2", "tiny-gpt2", "stories260k"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Should_give_the_reference_ids(string name) => Reference(name).AssertIds(Open(name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Should_add_the_reference_special_tokens(string name) => Reference(name).AssertSpecialTokens(Open(name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Should_decode_to_the_reference_text(string name) => Reference(name).AssertTexts(Open(name));

    [Theory]
    [InlineData("gpt2", 50257, 50256, 50256)]
    [InlineData("tiny-gpt2", 8192, 8191, 8191)]
    [InlineData("stories260k", 512, 1, 2)]
    public void Should_know_its_size_and_the_tokens_that_begin_and_end_a_text(string name, int size, int begin, int end)
    {
        var tokenizer = Open(name);
        Assert.Equal((size, begin, end), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    [Fact]
    public void Should_read_the_end_of_text_as_one_token_in_gpt2() =>
        Assert.Equal([15496, 50256, 995], Open("gpt2").Encode("Hello<|endoftext|> world", addSpecialTokens: true));

    [Fact]
    public void Should_leave_special_tokens_out_or_write_them()
    {
        var tokenizer = Open("stories260k");
        var ids = tokenizer.Encode("Once", addSpecialTokens: true);
        Assert.Equal("Once", tokenizer.Decode(ids));
        Assert.Equal("<s> Once", tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    [Fact]
    public void Should_refuse_to_decode_an_id_it_does_not_have() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Open("stories260k").Decode([512]));

    private static TokenizerReference Reference(string name) => TokenizerReference.Read(Repository.Fixture("tokenizers", "ids.json"), name);

    private static ITextTokenizer Open(string name) => name switch
    {
        "gpt2" => TokenizerFolder.OpenFiles(Repository.Fixture("tokenizers", "gpt2", "encoder.json"), Repository.Fixture("tokenizers", "gpt2", "vocab.bpe")),
        "tiny-gpt2" => TokenizerFolder.Open(Repository.TinyGpt2),
        _ => TokenizerFolder.Open(Repository.Fixture(name)),
    };
}
