using System.Text;

using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Tokenizers;

/// <summary>Byte-level and byte-fallback tokenizers lose nothing, whatever the text.</summary>
public sealed class RoundTripSpecs
{
    private static readonly ITextTokenizer ByteLevel = TokenizerFolder.Open(Repository.TinyGpt2);
    private static readonly ITextTokenizer ByteFallback = TokenizerFolder.Open(Repository.Fixture("stories260k"));

    [Property(MaxTest = 300)]
    public Property Should_get_any_text_back_from_byte_level_ids() =>
        Prop.ForAll(Texts(), text => ByteLevel.Decode(ByteLevel.Encode(text, addSpecialTokens: true)) == text);

    [Property(MaxTest = 300)]
    public Property Should_get_any_text_back_from_ids_with_byte_fallback() =>
        Prop.ForAll(Texts(), text => ByteFallback.Decode(ByteFallback.Encode(text, addSpecialTokens: true)) == text);

    [Property(MaxTest = 100)]
    public Property Should_give_one_result_from_many_threads() => Prop.ForAll(Texts(), text =>
    {
        var expected = ByteLevel.Encode(text, addSpecialTokens: false);
        return ParallelEnumerable.Range(0, 8).All(_ => ByteLevel.Encode(text, addSpecialTokens: false).AsSpan().SequenceEqual(expected));
    });

    [Fact]
    public void Should_read_half_a_surrogate_pair_as_the_replacement_character() =>
        Assert.Equal("a\uFFFDb", ByteLevel.Decode(ByteLevel.Encode("a\uD83Db", addSpecialTokens: false)));

    [Fact]
    public void Should_encode_long_words_in_reasonable_time()
    {
        var word = string.Concat(Enumerable.Range(0, 20_000).Select(i => "abcdefghij"[i * 7 % 10]));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(word, ByteLevel.Decode(ByteLevel.Encode(word, addSpecialTokens: false)));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"A word of 20,000 letters took {watch.Elapsed}.");
    }

    // Runes of all planes and classes, with letters, spaces and line ends often enough to make words; the sign that stands for a space in
    // SentencePiece's alphabet is left out, since no such tokenizer can give it back.
    private static Arbitrary<string> Texts()
    {
        var rune = Gen.OneOf(
            Gen.Elements([.. " \n\r\t'".Select(character => new Rune(character))]),
            Gen.Choose('a', 'z').Select(code => new Rune(code)),
            Gen.Choose(0, 0xD7FF).Select(code => new Rune(code)),
            Gen.Choose(0xE000, 0xFFFF).Select(code => new Rune(code)),
            Gen.Choose(0x10000, 0x1FAFF).Select(code => new Rune(code)),
            Gen.Choose(0x20000, 0x10FFFF).Select(code => new Rune(code)));
        return rune.Where(value => value.Value != 0x2581).ListOf().Select(runes => string.Concat(runes.Select(value => value.ToString()))).ToArbitrary();
    }
}
