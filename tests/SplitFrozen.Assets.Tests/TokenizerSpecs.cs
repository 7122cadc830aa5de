using SplitFrozen.Model.Tests.Tokenizers;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Assets.Tests;

/// <summary>Tokenizers that are too large or not free enough for the repository, against the reference.</summary>
public sealed class TokenizerSpecs
{
    private static readonly Lazy<ITextTokenizer> Llama3 = new(() => TokenizerFolder.Open(AssetsFolder.Find("tokenizers", "llama3")));
    private static readonly Lazy<ITextTokenizer> SmolLm2 = new(() => TokenizerFolder.Open(AssetsFolder.Find("models", "smollm2-135m")));

    public static TheoryData<string> Names => ["llama3", "smollm2-135m"];

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
    [InlineData("llama3", 128_256, 128_000, 128_001)]
    [InlineData("smollm2-135m", 49_152, 1, 2)]
    public void Should_know_its_size_and_the_tokens_that_begin_and_end_a_text(string name, int size, int begin, int end)
    {
        var tokenizer = Open(name);
        Assert.Equal((size, begin, end), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    private static TokenizerReference Reference(string name) => TokenizerReference.Read(AssetsFolder.Find("golden", "tokenizers", "ids.json"), name);

    private static ITextTokenizer Open(string name) => (name == "llama3" ? Llama3 : SmolLm2).Value;
}
