using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Cli.Tests.Composing;

/// <summary>Exact match of generated answers.</summary>
public sealed class AnswerScoringSpecs
{
    private readonly FakeGenerator _generator = new();

    [Fact]
    public void Should_ask_each_question_and_compare_the_numbers()
    {
        _generator.Answer = prompt => prompt == "two\n" ? "1+1\n#### 2." : "#### 7";
        var rows = new List<int>();

        var score = Scoring().Score([Sample("two\n", "#### 2"), Sample("three\n", "#### 3")], rows.Add, default);

        Assert.Equal(new ExactMatchScore(1, 2), score);
        Assert.Equal(["two\n", "three\n"], _generator.Prompts);
        Assert.Equal((9, SamplingSpec.Greedy), _generator.Asked);
        Assert.Equal([1, 2], rows);
    }

    [Fact]
    public void Should_pass_over_rows_without_a_reference_number_or_room_for_an_answer()
    {
        _generator.Answer = prompt => prompt == "b\n" ? "#### 1" : "";

        var score = Scoring().Score([Sample("a\n", "none"), Sample(new string('a', 40), "#### 1"), Sample("b\n", "#### 1")], _ => { }, default);

        Assert.Equal(new ExactMatchScore(1, 1), score);
        Assert.Equal(["b\n"], _generator.Prompts);
    }

    [Fact]
    public void Should_count_nothing_more_when_stopped()
    {
        using var stop = new CancellationTokenSource();
        _generator.Answer = _ => "#### 1";

        var score = Scoring().Score([Sample("a\n", "#### 1"), Sample("b\n", "#### 1")], _ => stop.Cancel(), stop.Token);

        Assert.Equal(new ExactMatchScore(1, 1), score);
    }

    [Fact]
    public void Should_count_questions_up_to_the_first_without_an_answer_when_stopped()
    {
        using var stop = new CancellationTokenSource();
        _generator.Answer = _ => "#### 1";
        _generator.EndsLastFirst = true;

        var score = Scoring().Score([Sample("a\n", "#### 1"), Sample("b\n", "#### 1")], _ => stop.Cancel(), stop.Token);

        Assert.Equal(new ExactMatchScore(0, 0), score);
        Assert.Equal(["b\n"], _generator.Prompts);
    }

    private AnswerScoring Scoring() => new(_generator, context: 40, maxNewTokens: 9);

    private EncodedSample Sample(string question, string answer)
    {
        var tokens = _generator.Tokenize(question + answer);
        var targets = Enumerable.Range(0, tokens.Length).Select(i => i + 1 >= question.Length && i + 1 < tokens.Length ? tokens[i + 1] : Target.Ignored);
        return new EncodedSample(tokens, [.. targets]);
    }
}
