using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Cli.Composing;

/// <summary>Lets a model answer questions of a data set and compares the numbers after ####.</summary>
/// <param name="generator">The model with its adapter.</param>
/// <param name="context">Its longest sequence.</param>
/// <param name="maxNewTokens">Tokens of an answer at most.</param>
internal sealed class AnswerScoring(ITextGenerator generator, int context, int maxNewTokens)
{
    /// <summary>Answers each sample's question greedily. The prompt is what training shows before the first token of the answer.</summary>
    /// <param name="samples">Language-model samples, not cut off before their answer's end.</param>
    /// <param name="onRow">Told after each answer how many there are.</param>
    /// <param name="stop">
    /// Ends it early: then the questions up to the first that has no answer yet count. Short answers are done first; to count all that are done would be another figure.
    /// </param>
    public ExactMatchScore Score(IReadOnlyList<EncodedSample> samples, Action<int> onRow, CancellationToken stop)
    {
        var questions = samples.Select(Ask).OfType<Question>().ToList();
        var answers = new string?[questions.Count];
        var answered = 0;
        generator.GenerateEach(
            [.. questions.Select(q => q.Prompt)],
            maxNewTokens,
            (number, answer) =>
            {
                answers[number] = answer.Text;
                onRow(++answered);
            },
            stop);
        return questions.Zip(answers).TakeWhile(pair => pair.Second is not null)
            .Aggregate(default(ExactMatchScore), (score, pair) => score.With(pair.Second!, pair.First.Reference));
    }

    /// <summary>A sample as a question; null where the reference has no number, or the context no room for an answer.</summary>
    private Question? Ask(EncodedSample sample)
    {
        var first = Array.FindIndex(sample.Targets, target => target != Target.Ignored);
        var reference = generator.Decode(Array.FindAll(sample.Targets, target => target != Target.Ignored));
        return first < 0 || first + 1 >= context || NumericAnswer.Of(reference) is null ? null : new Question(sample.Tokens[..(first + 1)], reference);
    }

    private sealed record Question(int[] Prompt, string Reference);
}
