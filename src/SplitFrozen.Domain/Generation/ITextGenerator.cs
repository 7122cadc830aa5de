namespace SplitFrozen.Domain.Generation;

/// <summary>Who says something in a conversation, and what.</summary>
/// <param name="Role">system, user or assistant.</param>
/// <param name="Content">The text.</param>
public sealed record ChatMessage(string Role, string Content);

/// <summary>A loaded language model that continues texts. One owner, one thread at a time.</summary>
public interface ITextGenerator : IDisposable
{
    /// <summary>Tokens of a prompt as it stands; special tokens in it are read as such, and the tokenizer's own (such as begin-of-text) are added.</summary>
    int[] Tokenize(string prompt);

    /// <summary>Tokens of a conversation up to where the assistant's answer begins, by the model's chat template.</summary>
    /// <exception cref="UserErrorException">The model has no chat template, or it does not take these messages.</exception>
    int[] Tokenize(IReadOnlyList<ChatMessage> messages);

    /// <summary>Continues a prompt until the model ends the text, the limit is reached, the context is full or <paramref name="stop"/> is cancelled.</summary>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="maxNewTokens">At least 1.</param>
    /// <param name="sampling">How tokens are chosen.</param>
    /// <param name="onText">Told each piece of new text as it is settled; together they are the whole text.</param>
    /// <param name="stop">Ends the text early.</param>
    /// <exception cref="UserErrorException">The prompt fills the context already.</exception>
    Generated Generate(ReadOnlySpan<int> prompt, int maxNewTokens, SamplingSpec sampling, Action<string> onText, CancellationToken stop);

    /// <summary>
    /// Continues several prompts greedily, some at a time together, which takes a fraction of the time of one after another: the weights pass through memory once for all of them.
    /// A text does not depend on which others are written beside it.
    /// </summary>
    /// <param name="prompts">Token ids of each prompt, at least one.</param>
    /// <param name="maxNewTokens">At least 1, for each text.</param>
    /// <param name="onText">Told each text that has ended and the number of its prompt, in the order in which they end.</param>
    /// <param name="stop">Ends it early; nothing is told of texts that are not ended by then.</param>
    /// <exception cref="UserErrorException">A prompt fills the context already.</exception>
    void GenerateEach(IReadOnlyList<int[]> prompts, int maxNewTokens, Action<int, Generated> onText, CancellationToken stop);

    /// <summary>The text of tokens, without special ones.</summary>
    string Decode(IReadOnlyList<int> ids);
}
