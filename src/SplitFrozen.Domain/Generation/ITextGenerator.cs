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

    /// <summary>The text of tokens, without special ones.</summary>
    string Decode(IReadOnlyList<int> ids);
}
