using SplitFrozen.Domain;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>Reads GPT-2's pair of files: vocab.json (ids by token) and merges.txt (one merge a line, best first).</summary>
internal static class VocabularyAndMerges
{
    private const string EndOfText = "<|endoftext|>";

    /// <summary>Reads the files as GPT-2's byte-level BPE.</summary>
    /// <param name="folder">The model's folder, where other files may name added tokens and those that begin and end a text.</param>
    /// <param name="vocabularyFile">Ids by token, JSON.</param>
    /// <param name="mergesFile">Merges; a first line <c>#version</c> is skipped.</param>
    public static ITextTokenizer Open(string folder, string vocabularyFile, string mergesFile)
    {
        var tokens = JsonView.Read(vocabularyFile).Members().ToDictionary(member => member.Name, member => member.Value.Integer(), StringComparer.Ordinal);
        var vocabulary = new BpeVocabulary(tokens, ReadMerges(mergesFile, out var firstLine)).Checked(vocabularyFile, mergesFile, firstLine);
        var added = ReadAddedTokens(folder, tokens);
        var ids = tokens.Concat(added.Select(token => KeyValuePair.Create(token.Content, token.Id)))
            .DistinctBy(pair => pair.Key).ToDictionary(StringComparer.Ordinal);
        return new TextTokenizer(new TokenizerParts(
            added,
            text => text,
            PreTokenizers.ByteLevel(addPrefixSpace: false, useRegex: true),
            vocabulary,
            [],
            [],
            TokenDecoders.ByteLevel,
            SpecialTokenNames.BeginOfText(folder, ids),
            SpecialTokenNames.EndOfText(folder, ids)));
    }

    private static List<(string Left, string Right)> ReadMerges(string file, out int firstLine)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllText(file).Split('\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{file} cannot be read: {exception.Message} Check that it exists and may be read.", exception);
        }

        var header = lines[0].StartsWith("#version", StringComparison.Ordinal) ? 1 : 0;
        firstLine = header + 1;
        var merges = new List<(string Left, string Right)>();
        var end = lines.Length;
        while (end > header && lines[end - 1].Trim().Length == 0)
        {
            end--;
        }

        for (var i = header; i < end; i++)
        {
            var pair = lines[i].TrimEnd('\r').Split(' ');
            merges.Add(pair.Length == 2 && pair.All(token => token.Length > 0)
                ? (pair[0], pair[1])
                : throw new UserErrorException(
                    $"{file}, line {i + 1}: should be two tokens with a space between them, but is \"{lines[i].TrimEnd('\r')}\". "
                    + "Copy the file again from its source."));
        }

        return merges;
    }

    /// <summary>Tokens of added_tokens.json, and GPT-2's only special token where the vocabulary has it.</summary>
    private static List<AddedToken> ReadAddedTokens(string folder, Dictionary<string, int> tokens)
    {
        var added = new List<AddedToken>();
        if (tokens.TryGetValue(EndOfText, out var endOfText))
        {
            added.Add(new AddedToken(endOfText, EndOfText, Special: true));
        }

        var file = Path.Combine(folder, "added_tokens.json");
        if (File.Exists(file))
        {
            added.AddRange(JsonView.Read(file).Members()
                .Where(member => member.Name.Length > 0 && member.Name != EndOfText)
                .Select(member => new AddedToken(member.Value.Integer(), member.Name, Special: true)));
        }

        return added;
    }
}
