using System.Text.Json;


namespace SplitFrozen.Model.Tokenizers;

/// <summary>Reads a tokenizer.json with a BPE model: byte-level or with SentencePiece's marks and byte fallback.</summary>
internal static class TokenizerJson
{
    /// <summary>Reads the file; what is malformed or not known is a <see cref="Domain.UserErrorException"/> that names the place.</summary>
    /// <param name="folder">The model's folder, where other files name the tokens that begin and end a text.</param>
    /// <param name="file">The tokenizer.json.</param>
    public static ITextTokenizer Open(string folder, string file)
    {
        var view = JsonView.Read(file);
        var vocabulary = ReadModel(view.Required("model"));
        var added = ReadAddedTokens(view.Optional("added_tokens"));
        var (prefix, suffix) = ReadPostProcessor(view.Optional("post_processor"));
        var ids = new Dictionary<string, int>(vocabulary.Tokens, StringComparer.Ordinal);
        foreach (var token in added)
        {
            ids[token.Content] = token.Id;
        }

        return new TextTokenizer(new TokenizerParts(
            added,
            TextNormalizers.Parse(view.Optional("normalizer")),
            PreTokenizers.Parse(view.Optional("pre_tokenizer")),
            vocabulary,
            prefix,
            suffix,
            TokenDecoders.Parse(view.Optional("decoder")),
            SpecialTokenNames.BeginOfText(folder, ids),
            SpecialTokenNames.EndOfText(folder, ids)));
    }

    private static BpeVocabulary ReadModel(JsonView model)
    {
        if (model.Optional("type") is { } type && type.Text() != "BPE")
        {
            throw type.Error($"is \"{type.Text()}\"; only BPE is known");
        }

        foreach (var affix in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (model.Optional(affix) is { } view && view.Text().Length > 0)
            {
                throw view.Error($"is \"{view.Text()}\"; tokenizers with such an affix are not known");
            }
        }

        var tokens = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, id) in model.Required("vocab").Members())
        {
            tokens[name] = id.Integer();
        }

        return new BpeVocabulary(
            tokens,
            [.. model.Required("merges").Items().Select(ReadMerge)],
            model.Optional("unk_token")?.Text(),
            model.Flag("byte_fallback", false),
            model.Flag("fuse_unk", false),
            model.Flag("ignore_merges", false)).Checked(model.File, model.File, 0);
    }

    /// <summary>A merge: <c>"a b"</c> in older files, <c>["a", "b"]</c> in newer ones.</summary>
    private static (string Left, string Right) ReadMerge(JsonView merge)
    {
        string[] pair = merge.Element.ValueKind == JsonValueKind.Array ? [.. merge.Items().Select(item => item.Text())] : merge.Text().Split(' ');
        return pair.Length == 2 && pair.All(token => token.Length > 0 && !token.Contains(' ', StringComparison.Ordinal))
            ? (pair[0], pair[1])
            : throw merge.Error($"should be two tokens without spaces, but is {merge.Element.GetRawText()}");
    }

    private static List<AddedToken> ReadAddedTokens(JsonView? tokens)
    {
        var added = new List<AddedToken>();
        foreach (var view in tokens?.Items() ?? [])
        {
            var content = view.Required("content");
            if (content.Text().Length == 0)
            {
                throw content.Error("is empty");
            }

            added.Add(new AddedToken(
                view.Required("id").Integer(), content.Text(), view.Flag("special", false), view.Flag("normalized", false),
                view.Flag("single_word", false), view.Flag("lstrip", false), view.Flag("rstrip", false)));
        }

        return added;
    }

    /// <summary>The ids that go before and after a single text.</summary>
    private static (int[] Prefix, int[] Suffix) ReadPostProcessor(JsonView? processor)
    {
        if (processor is not { } view)
        {
            return ([], []);
        }

        var type = view.Required("type");
        switch (type.Text())
        {
            case "ByteLevel":
                return ([], []);
            case "TemplateProcessing":
                return ReadTemplate(view);
            case "Sequence":
                var parts = view.Required("processors").Items().Select(item => ReadPostProcessor(item)).ToList();
                return ([.. parts.AsEnumerable().Reverse().SelectMany(part => part.Prefix)], [.. parts.SelectMany(part => part.Suffix)]);
            default:
                throw type.Error($"is \"{type.Text()}\"; known are ByteLevel, TemplateProcessing and Sequence");
        }
    }

    private static (int[] Prefix, int[] Suffix) ReadTemplate(JsonView template)
    {
        var special = template.Required("special_tokens");
        var prefix = new List<int>();
        var suffix = new List<int>();
        var seenText = false;
        foreach (var item in template.Required("single").Items())
        {
            if (item.Optional("Sequence") is not null)
            {
                seenText = true;
            }
            else
            {
                var name = item.Required("SpecialToken").Required("id").Text();
                (seenText ? suffix : prefix).AddRange(special.Required(name).Required("ids").Items().Select(id => id.Integer()));
            }
        }

        return ([.. prefix], [.. suffix]);
    }
}
