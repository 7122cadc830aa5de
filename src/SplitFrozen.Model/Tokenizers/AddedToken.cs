namespace SplitFrozen.Model.Tokenizers;

/// <summary>A token that is found in the text as it stands, before any BPE.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text, not empty.</param>
/// <param name="Special">Whether it steers the model rather than standing for text; decoding may leave it out.</param>
/// <param name="Normalized">Whether it is looked for in the normalised text (its content normalised likewise) rather than the raw one.</param>
/// <param name="SingleWord">Whether it counts only where no word character touches it.</param>
/// <param name="StripLeft">Whether it takes in the white space before it.</param>
/// <param name="StripRight">Whether it takes in the white space after it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool Normalized = false, bool SingleWord = false, bool StripLeft = false, bool StripRight = false);
