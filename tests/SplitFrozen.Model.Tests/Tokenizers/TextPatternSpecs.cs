using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Tokenizers;

/// <summary>Classes of characters outside the basic plane, which .NET's expressions cannot see.</summary>
public sealed class TextPatternSpecs
{
    [Theory]
    [InlineData("Lu", UnicodeCategory.UppercaseLetter)]
    [InlineData("Ll", UnicodeCategory.LowercaseLetter)]
    [InlineData("Lm", UnicodeCategory.ModifierLetter)]
    [InlineData("Lo", UnicodeCategory.OtherLetter)]
    [InlineData("Mn", UnicodeCategory.NonSpacingMark)]
    [InlineData("Mc", UnicodeCategory.SpacingCombiningMark)]
    [InlineData("Nd", UnicodeCategory.DecimalDigitNumber)]
    [InlineData("Nl", UnicodeCategory.LetterNumber)]
    [InlineData("No", UnicodeCategory.OtherNumber)]
    [InlineData("Pd", UnicodeCategory.DashPunctuation)]
    [InlineData("Po", UnicodeCategory.OtherPunctuation)]
    [InlineData("Sm", UnicodeCategory.MathSymbol)]
    [InlineData("Sc", UnicodeCategory.CurrencySymbol)]
    [InlineData("Sk", UnicodeCategory.ModifierSymbol)]
    [InlineData("So", UnicodeCategory.OtherSymbol)]
    [InlineData("Cf", UnicodeCategory.Format)]
    [InlineData("Co", UnicodeCategory.PrivateUse)]
    [InlineData("Cn", UnicodeCategory.OtherNotAssigned)]
    public void Should_match_by_category_and_keep_places(string name, UnicodeCategory category)
    {
        var pattern = new TextPattern(new Regex($@"\p{{{name}}}", RegexOptions.CultureInvariant));
        var runes = Enumerable.Range(0x10000, 0x100000).Where(code => CharUnicodeInfo.GetUnicodeCategory(code) == category).Take(50).ToList();
        Assert.NotEmpty(runes);
        foreach (var code in runes)
        {
            Assert.Equal(
                [new TextSpan(0, 1, false), new TextSpan(1, 2, true), new TextSpan(3, 1, false)],
                pattern.Cut($"({new Rune(code)})"));
        }
    }

    [Fact]
    public void Should_lose_nothing_between_matches()
    {
        const string text = "a1\U0001F917b22";
        var spans = new TextPattern(new Regex(@"\d*")).Cut(text);
        Assert.Equal(text, string.Concat(spans.Select(span => text.Substring(span.Start, span.Length))));
        Assert.Equal(["1", "22"], spans.Where(span => span.IsMatch).Select(span => text.Substring(span.Start, span.Length)));
    }
}
