using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Data;

/// <summary>Turns rows into what a model reads.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="maxLength">Tokens at which samples are cut off, at least 1.</param>
internal sealed class SampleEncoder(ITextTokenizer tokenizer, int maxLength)
{
    /// <summary>A text with the id of its label. An empty text is one token: end of text, else begin of text.</summary>
    /// <exception cref="UserErrorException">The text has no token at all.</exception>
    public EncodedSample Classification(string file, TextRow row, int label)
    {
        var tokens = tokenizer.Encode(row.Input, addSpecialTokens: true);
        if (tokens.Length == 0)
        {
            tokens = (tokenizer.EndOfText ?? tokenizer.BeginOfText) is { } token
                ? [token]
                : throw new UserErrorException($"{file}, line {row.Line}: the text is empty and has no token. Fill it in or remove the row.");
        }

        return new EncodedSample(Cut(tokens), [label]);
    }

    /// <summary>
    /// A question, a newline and its answer. The target of a row is the token that follows, where that token belongs to the answer (the end of
    /// the text belongs to it); other rows have none. The text is tokenised as a whole, as a model meets it, so a token may span the end of the
    /// newline and the start of the answer: it counts as the answer's.
    /// </summary>
    public EncodedSample LanguageModel(TextRow row)
    {
        var prompt = tokenizer.Encode(row.Input + "\n", addSpecialTokens: true);
        var whole = tokenizer.Encode(row.Input + "\n" + row.Output, addSpecialTokens: true);
        int[] next = tokenizer.EndOfText is { } end && whole[^1] != end ? [.. whole, end] : whole;
        var answerStart = AnswerStart(prompt, whole);
        var tokens = Cut(whole);
        var targets = new int[tokens.Length];
        for (var i = 0; i < targets.Length; i++)
        {
            targets[i] = i + 1 >= answerStart && i + 1 < next.Length ? next[i + 1] : Target.Ignored;
        }

        return new EncodedSample(tokens, targets);
    }

    /// <summary>
    /// Index of the first token with characters of the answer. The prompt's own tokens agree with the whole text's up to the last word or so;
    /// from there on tokens are the prompt's as long as their text is no longer than the prompt.
    /// </summary>
    private int AnswerStart(int[] prompt, int[] whole)
    {
        var start = prompt.AsSpan().CommonPrefixLength(whole);
        if (start < prompt.Length)
        {
            var promptLength = tokenizer.Decode(prompt).Length;
            while (start < whole.Length && tokenizer.Decode(whole[..(start + 1)]).Length <= promptLength)
            {
                start++;
            }
        }

        return start;
    }

    private int[] Cut(int[] tokens) => tokens.Length <= maxLength ? tokens : tokens[..maxLength];
}
