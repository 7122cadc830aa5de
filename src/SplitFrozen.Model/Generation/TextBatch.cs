using SplitFrozen.Domain.Generation;
using SplitFrozen.Model.Blocks;

namespace SplitFrozen.Model.Generation;

/// <summary>Texts that are written together, greedily: each step adds a token to all of them.</summary>
/// <param name="model">What writes them.</param>
/// <param name="choices">Logits to choose from, the first of the vocabulary.</param>
/// <param name="add">Adds a token to a text behind a prompt of so many tokens; says why the text ends with it, or null.</param>
/// <param name="onText">Told each text that has ended, and its number.</param>
internal sealed class TextBatch(LanguageModel model, int choices, Func<GeneratedText, int, int, StopReason?> add, Action<int, Generated> onText) : IDisposable
{
    private readonly List<OpenText> _open = new(LanguageModel.TextsTogether);
    private readonly TokenSampler _greedy = new(SamplingSpec.Greedy, choices);
    private readonly float[] _logits = new float[LanguageModel.TextsTogether * model.Shape.Vocabulary];

    /// <summary>Whether no text is open.</summary>
    public bool IsEmpty => _open.Count == 0;

    /// <summary>Whether a further text may begin.</summary>
    public bool HasRoom => _open.Count < LanguageModel.TextsTogether;

    /// <summary>Begins a text with its first token.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="text">Takes its tokens.</param>
    public void Begin(int number, int[] prompt, GeneratedText text)
    {
        var begun = new OpenText(number, prompt.Length, text, model.NewCache());
        _open.Add(begun);
        var logits = Logits(0, 1);
        model.Forward(prompt, begun.Cache, logits);
        Take(begun, logits);
    }

    /// <summary>Adds a token to each open text.</summary>
    public void GoOn()
    {
        // A text that ends leaves the list.
        OpenText[] open = [.. _open];
        model.ForwardEach(Array.ConvertAll(open, text => text.Last), Array.ConvertAll(open, text => text.Cache), Logits(0, open.Length));
        foreach (var (row, text) in open.Index())
        {
            Take(text, Logits(row, 1));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _open.ForEach(text => text.Cache.Dispose());

    private Span<float> Logits(int row, int rows) => _logits.AsSpan(row * model.Shape.Vocabulary, rows * model.Shape.Vocabulary);

    private void Take(OpenText text, ReadOnlySpan<float> logits)
    {
        text.Last = _greedy.Next(logits[..choices]);
        if (add(text.Text, text.Last, text.PromptLength) is { } reason)
        {
            _open.Remove(text);
            text.Cache.Dispose();
            onText(text.Number, text.Text.End(reason));
        }
    }

    private sealed class OpenText(int number, int promptLength, GeneratedText text, KeyValueCache cache)
    {
        public int Number => number;

        public int PromptLength => promptLength;

        public GeneratedText Text => text;

        public KeyValueCache Cache => cache;

        public int Last { get; set; }
    }
}
