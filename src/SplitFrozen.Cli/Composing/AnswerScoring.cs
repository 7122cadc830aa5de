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
    /// <param name="onRow">Told after each row how many are done.</param>
    /// <param name="stop">Ends it early; what was counted until then is returned.</param>
    public ExactMatchScore Score(IReadOnlyList<EncodedSample> samples, Action<int> onRow, CancellationToken stop)
    {
        var score = default(ExactMatchScore);
        for (var row = 0; row < samples.Count && !stop.IsCancellationRequested; row++)
        {
            score = Add(score, samples[row], stop);
            onRow(row + 1);
        }

        return score;
    }

    private ExactMatchScore Add(ExactMatchScore score, EncodedSample sample, CancellationToken stop)
    {
        var first = Array.FindIndex(sample.Targets, target => target != Target.Ignored);
        var reference = generator.Decode(Array.FindAll(sample.Targets, target => target != Target.Ignored));
        if (first < 0 || first + 1 >= context || NumericAnswer.Of(reference) is null)
        {
            return score;
        }

        var answer = generator.Generate(sample.Tokens.AsSpan(0, first + 1), maxNewTokens, SamplingSpec.Greedy, _ => { }, stop);
        return answer.Stop == StopReason.Stopped ? score : score.With(answer.Text, reference);
    }
}
