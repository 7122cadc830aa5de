using System.Text.Json;

using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Tokenizers;

/// <summary>What Hugging Face tokenizers gives for awkward strings.</summary>
/// <param name="texts">The strings.</param>
/// <param name="reference">What one tokenizer makes of them.</param>
internal sealed class TokenizerReference(string[] texts, JsonElement reference)
{
    /// <summary>The reference of one of the tokenizers in a file of ids.</summary>
    public static TokenizerReference Read(string file, string name)
    {
        var root = Json.Read(file);
        return new TokenizerReference(
            [.. root.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)], root.GetProperty("ids").GetProperty(name));
    }

    /// <summary>Ids of all strings without added special tokens.</summary>
    public void AssertIds(ITextTokenizer tokenizer) => AssertIds(tokenizer, "ids", addSpecialTokens: false);

    /// <summary>Ids with added special tokens, and of a string that holds special tokens.</summary>
    public void AssertSpecialTokens(ITextTokenizer tokenizer)
    {
        AssertIds(tokenizer, "with_special", addSpecialTokens: true);
        if (reference.TryGetProperty("special", out var special))
        {
            Assert.Equal(special.GetProperty("ids").Ints(), tokenizer.Encode(special.GetProperty("text").GetString()!, addSpecialTokens: false));
        }
    }

    /// <summary>Texts of all reference ids.</summary>
    public void AssertTexts(ITextTokenizer tokenizer) => Assert.Equal(
        reference.GetProperty("decoded").EnumerateArray().Select(text => text.GetString()),
        reference.GetProperty("ids").EnumerateArray().Select(ids => tokenizer.Decode(ids.Ints())));

    private void AssertIds(ITextTokenizer tokenizer, string property, bool addSpecialTokens)
    {
        var expected = reference.GetProperty(property).EnumerateArray().Select(ids => ids.Ints()).ToList();
        Assert.NotEmpty(expected);
        for (var i = 0; i < expected.Count; i++)
        {
            var ids = tokenizer.Encode(texts[i], addSpecialTokens);
            Assert.True(expected[i].AsSpan().SequenceEqual(ids), $"\"{texts[i]}\": expected {string.Join(' ', expected[i])}, actual {string.Join(' ', ids)}");
        }
    }
}
