using System.Buffers;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>A part of a text: the text itself, or the id of an added token that stood there.</summary>
internal readonly record struct TextSegment(string Text, int? TokenId);

/// <summary>Finds added tokens in a text: the leftmost first, among those at one place the longest.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly AddedToken[] _longestFirst;
    private readonly SearchValues<string> _contents;

    /// <summary>A splitter for these tokens.</summary>
    public AddedTokenSplitter(IEnumerable<AddedToken> tokens)
    {
        _longestFirst = [.. tokens.OrderByDescending(token => token.Content.Length)];
        _contents = SearchValues.Create([.. _longestFirst.Select(token => token.Content)], StringComparison.Ordinal);
    }

    /// <summary>Cuts the text into added tokens and the texts between them; empty texts are left out.</summary>
    public List<TextSegment> Split(string text)
    {
        var segments = new List<TextSegment>();
        var end = 0;
        var from = 0;
        while (Find(text, from) is var (start, token))
        {
            var stop = start + token.Content.Length;
            if (token.SingleWord && (IsWord(text, start - 1) || IsWord(text, stop)))
            {
                from = stop;
                continue;
            }

            while (token.StripLeft && start > end && char.IsWhiteSpace(text[start - 1]))
            {
                start--;
            }

            while (token.StripRight && stop < text.Length && char.IsWhiteSpace(text[stop]))
            {
                stop++;
            }

            AddText(end, start);
            segments.Add(new TextSegment(token.Content, token.Id));
            from = end = stop;
        }

        AddText(end, text.Length);
        return segments;

        void AddText(int first, int last)
        {
            if (last > first)
            {
                segments.Add(new TextSegment(text[first..last], null));
            }
        }
    }

    private (int Start, AddedToken Token)? Find(string text, int from)
    {
        var offset = text.AsSpan(from).IndexOfAny(_contents);
        if (offset < 0)
        {
            return null;
        }

        var start = from + offset;
        return (start, _longestFirst.First(token => text.AsSpan(start).StartsWith(token.Content, StringComparison.Ordinal)));
    }

    private static bool IsWord(string text, int index) =>
        index >= 0 && index < text.Length && (char.IsLetterOrDigit(text[index]) || text[index] == '_');
}
