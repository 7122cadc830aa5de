using System.Globalization;
using System.Text;

using Microsoft.ML.Tokenizers;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>
/// Turns words into token ids. Microsoft.ML.Tokenizers does the merging; what it lacks stands here: byte fallback, fused unknown characters
/// and words that skip merging. A character without a token takes part in no merge, so a word may be cut there. Thread-safe.
/// </summary>
internal sealed class BpeModel
{
    private readonly BpeVocabulary _vocabulary;
    private readonly BpeTokenizer _merger;
    private readonly HashSet<Rune> _characters;
    private readonly int[]? _bytes;

    /// <summary>A model of a checked vocabulary.</summary>
    public BpeModel(BpeVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        _merger = BpeTokenizer.Create(new BpeOptions(vocabulary.Tokens) { Merges = vocabulary.Merges.Select(merge => $"{merge.Left} {merge.Right}") });
        _characters = [.. vocabulary.Tokens.Keys.Where(IsOneCharacter).Select(token => Rune.GetRuneAt(token, 0))];
        _bytes = vocabulary.ByteFallback ? ByteTokens(vocabulary.Tokens) : null;
    }

    /// <summary>Adds the ids of one word.</summary>
    public void Encode(string word, List<int> ids)
    {
        if (_vocabulary.IgnoreMerges && _vocabulary.Tokens.TryGetValue(word, out var whole))
        {
            ids.Add(whole);
            return;
        }

        var start = 0;
        var i = 0;
        var afterUnknown = false;
        foreach (var rune in word.EnumerateRunes())
        {
            if (!_characters.Contains(rune))
            {
                AddMerged(word.AsSpan(start, i - start), ids);
                afterUnknown = AddUnknown(rune, afterUnknown && start == i, ids);
                start = i + rune.Utf16SequenceLength;
            }

            i += rune.Utf16SequenceLength;
        }

        AddMerged(word.AsSpan(start), ids);
    }

    private void AddMerged(ReadOnlySpan<char> part, List<int> ids)
    {
        if (part.Length > 0)
        {
            ids.AddRange(_merger.EncodeToIds(part, considerPreTokenization: false, considerNormalization: false));
        }
    }

    /// <summary>Adds what stands for a character without a token; true if that is the unknown token.</summary>
    private bool AddUnknown(Rune rune, bool afterUnknown, List<int> ids)
    {
        if (_bytes is not null)
        {
            Span<byte> utf8 = stackalloc byte[4];
            foreach (var value in utf8[..rune.EncodeToUtf8(utf8)])
            {
                ids.Add(_bytes[value]);
            }

            return false;
        }

        if (_vocabulary.UnknownToken is { } unknown && !(_vocabulary.FuseUnknown && afterUnknown))
        {
            ids.Add(_vocabulary.Tokens[unknown]);
        }

        return true;
    }

    private static bool IsOneCharacter(string token) =>
        Rune.TryGetRuneAt(token.Length == 0 ? "\0\0" : token, 0, out var rune) && rune.Utf16SequenceLength == token.Length;

    /// <summary>The ids of the byte tokens, or null unless all 256 exist.</summary>
    private static int[]? ByteTokens(IReadOnlyDictionary<string, int> tokens)
    {
        var ids = new int[256];
        for (var value = 0; value < ids.Length; value++)
        {
            if (!tokens.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>"), out ids[value]))
            {
                return null;
            }
        }

        return ids;
    }
}
