using System.Text.RegularExpressions;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Gguf;

/// <summary>How a byte-level tokenizer of a GGUF file cuts texts into words; the file gives the name only (<c>tokenizer.ggml.pre</c>).</summary>
/// <param name="Cut">Cuts a text.</param>
/// <param name="IgnoreMerges">Whether a word that is a token as a whole is not put together by merges.</param>
/// <param name="BeginsText">Whether begin-of-text is added where the file does not say.</param>
internal sealed partial record GgufWords(PreTokenizer Cut, bool IgnoreMerges, bool BeginsText)
{
    private static readonly PreTokenizer _bytes = PreTokenizers.ByteLevel(addPrefixSpace: false, useRegex: false);

    private static readonly Lazy<GgufWords> _gpt2 = new(() => new(PreTokenizers.ByteLevel(addPrefixSpace: false, useRegex: true), false, false));
    private static readonly Lazy<GgufWords> _digits = new(() => new(
        PreTokenizers.Then(PreTokenizers.Isolated(Digit()), PreTokenizers.ByteLevel(addPrefixSpace: false, useRegex: true)), false, false));
    private static readonly Lazy<GgufWords> _llama3 = new(() => new(PreTokenizers.Then(PreTokenizers.Isolated(Llama3Word()), _bytes), true, true));

    private static readonly Dictionary<string, Lazy<GgufWords>> _byName = new(StringComparer.Ordinal)
    {
        ["gpt-2"] = _gpt2,
        ["gpt2"] = _gpt2,
        ["smollm"] = _digits,
        ["starcoder"] = _digits,
        ["refact"] = _digits,
        ["command-r"] = _digits,
        ["codeshell"] = _digits,
        ["llama-bpe"] = _llama3,
        ["llama3"] = _llama3,
        ["llama-v3"] = _llama3,
    };

    /// <summary>The names that are known, in words.</summary>
    public static string Known { get; } = string.Join(", ", _byName.Keys);

    /// <summary>The cut of that name, or null where it is not known.</summary>
    public static GgufWords? Find(string? name) => name is null ? null : _byName.GetValueOrDefault(name)?.Value;

    [GeneratedRegex(@"\p{N}", RegexOptions.CultureInvariant)]
    private static partial Regex Digit();

    // The expression of Meta's Llama 3 tokenizer, as its tokenizer.json has it.
    [GeneratedRegex(
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        RegexOptions.CultureInvariant)]
    private static partial Regex Llama3Word();
}
