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
    /// <param name="stop">Ends it early; what was counted until then is returned.</param>
    public ExactMatchScore Score(IReadOnlyList<EncodedSample> samples, Action<int> onRow, CancellationToken stop)
    {
        var questions = samples.Select(Ask).OfType<Question>().ToList();
        var score = default(ExactMatchScore);
        generator.GenerateEach([.. questions.Select(q => q.Prompt)], maxNewTokens, Count, stop);
        return score;

        void Count(int number, Generated answer)
        {
            score = score.With(answer.Text, questions[number].Reference);
            onRow(score.Rows);
        }
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
