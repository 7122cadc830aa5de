namespace SplitFrozen.Model.Tokenizers;

/// <summary>Text to token ids and back, as a model's folder describes it. Thread-safe.</summary>
public interface ITextTokenizer
{
    /// <summary>The largest token id plus one.</summary>
    int VocabularySize { get; }

    /// <summary>The token that begins a text, where the folder names one.</summary>
    int? BeginOfText { get; }

    /// <summary>The token that ends a text, where the folder names one.</summary>
    int? EndOfText { get; }

    /// <summary>Token ids of a text. Special tokens that stand in the text are read as such.</summary>
    /// <param name="text">Any text; unpaired surrogates are read as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether the post-processor's tokens (such as begin-of-text) are added.</param>
    int[] Encode(string text, bool addSpecialTokens);

    /// <summary>The text of token ids; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <param name="ids">Token ids; one that the vocabulary lacks is an <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens = true);
}
