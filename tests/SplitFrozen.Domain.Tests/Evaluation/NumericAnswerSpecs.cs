using System.Globalization;

using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Evaluation;

using Xunit;

namespace SplitFrozen.Domain.Tests.Evaluation;

/// <summary>The number that a worked answer ends with.</summary>
public sealed class NumericAnswerSpecs
{
    [Theory]
    [InlineData("2 + 2 = 4\n#### 4", "4")]
    [InlineData("#### 1,234", "1234")]
    [InlineData("####$1,234.50", "1234.5")]
    [InlineData("#### $ 5.", "5")]
    [InlineData("#### -12 dollars", "-12")]
    [InlineData("#### +7", "7")]
    [InlineData("#### 007", "7")]
    [InlineData("#### .50", "0.5")]
    [InlineData("#### -0.0", "0")]
    [InlineData("#### 18\nand more 20", "18")]
    [InlineData("#### 3 #### 4", "3")]
    [InlineData("#### €9", "9")]
    [InlineData("#### 50%", "50")]
    [InlineData("the answer is 4", null)]
    [InlineData("#### four", null)]
    [InlineData("####", null)]
    [InlineData("####\n4", null)]
    public void Should_find_and_normalise_the_number(string text, string? number) => Assert.Equal(number, NumericAnswer.Of(text));

    [Theory]
    [InlineData("so #### 1,000.", "#### 1000", true)]
    [InlineData("#### 1000", "#### 1001", false)]
    [InlineData("1000", "#### 1000", false)]
    [InlineData("no number", "no number", false)]
    public void Should_compare_numbers_only(string answer, string reference, bool matches) => Assert.Equal(matches, NumericAnswer.Matches(answer, reference));

    [Property]
    public void Should_take_any_spelling_of_a_whole_number(int number)
    {
        var plain = number.ToString(CultureInfo.InvariantCulture);
        var spelled = $"work\n#### ${number.ToString("N0", CultureInfo.InvariantCulture)}.";

        Assert.Equal(plain, NumericAnswer.Of($"#### {plain}"));
        Assert.True(NumericAnswer.Matches(spelled.Replace("$-", "-$", StringComparison.Ordinal), $"#### {plain}"));
    }

    [Property]
    public void Should_not_fail_on_any_text(string? text)
    {
        var number = NumericAnswer.Of("####" + text);

        Assert.True(number is null || double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out _));
    }

    [Property]
    public void Should_count_only_rows_with_a_reference(NonEmptyArray<bool> rows)
    {
        var score = rows.Get.Aggregate(default(ExactMatchScore), (s, isRight) => s.With(isRight ? "#### 1" : "#### 2", "#### 1").With("#### 1", "none"));

        Assert.Equal(new ExactMatchScore(rows.Get.Count(r => r), rows.Get.Length), score);
        Assert.Null(default(ExactMatchScore).Share);
    }
}
