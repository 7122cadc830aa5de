using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Generation;

/// <summary>
/// Turns new tokens into text as soon as it is settled. A character may span several tokens, and what a token means may hang on the one before it (a leading
/// space): the new text is what decoding the last tokens gives beyond the text that was told, and waits while it ends inside a character.
/// </summary>
internal sealed class TextStream
{
    /// <summary>Tokens of the prompt that new ones are decoded with, or a few more where these begin inside a character.</summary>
    private const int PromptTail = 6;

    private const char Unfinished = '\uFFFD';

    private readonly ITextTokenizer _tokenizer;
    private readonly List<int> _window;
    private int _told;

    /// <summary>A stream behind a prompt.</summary>
    public TextStream(ITextTokenizer tokenizer, ReadOnlySpan<int> prompt)
    {
        _tokenizer = tokenizer;
        int start = Math.Max(0, prompt.Length - PromptTail);
        _window = [.. prompt[start..]];
        while (start > 0 && tokenizer.Decode(_window).StartsWith(Unfinished))
        {
            _window.Insert(0, prompt[--start]);
        }

        _told = _window.Count;
    }

    /// <summary>Takes a token; returns the text that it settles, which may be empty.</summary>
    public string Add(int token)
    {
        _window.Add(token);
        string text = Beyond();
        return text.EndsWith(Unfinished) ? "" : Tell(text);
    }

    /// <summary>The rest, when no more tokens come: bytes that never became a character are U+FFFD.</summary>
    public string End() => Tell(Beyond());

    private string Beyond()
    {
        int known = _tokenizer.Decode(_window[.._told]).Length;
        string whole = _tokenizer.Decode(_window);
        return whole.Length > known ? whole[known..] : "";
    }

    private string Tell(string text)
    {
        if (text.Length > 0)
        {
            // What is told now is the context of what comes next, and begins where a character does; what was told before it is not needed again.
            _window.RemoveRange(0, _told);
            _told = _window.Count;
        }

        return text;
    }
}
