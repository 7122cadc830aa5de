namespace SplitFrozen.Domain.Generation;

/// <summary>Why a text ended.</summary>
public enum StopReason
{
    /// <summary>The model ended it.</summary>
    EndOfText,

    /// <summary>It has as many new tokens as were asked for.</summary>
    TokenLimit,

    /// <summary>Prompt and text fill the model's context.</summary>
    ContextFull,

    /// <summary>It was stopped from outside.</summary>
    Stopped,
}

/// <summary>What a model wrote after a prompt.</summary>
/// <param name="Text">The new text, without special tokens.</param>
/// <param name="Ids">The new tokens, with the one that ended the text.</param>
/// <param name="Stop">Why it ended.</param>
public sealed record Generated(string Text, IReadOnlyList<int> Ids, StopReason Stop);
