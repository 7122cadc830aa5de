using System.Text.Json;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>
/// Which tokens begin and end a text: named by tokenizer_config.json, else by id in config.json, else known by their usual names.
/// </summary>
internal static class SpecialTokenNames
{
    private static readonly string[] Begin = ["<|begin_of_text|>", "<s>", "<|endoftext|>"];
    private static readonly string[] End = ["<|end_of_text|>", "</s>", "<|endoftext|>"];

    /// <summary>The token that begins a text.</summary>
    public static int? BeginOfText(string folder, IReadOnlyDictionary<string, int> tokens) => Find(folder, tokens, "bos_token", Begin);

    /// <summary>The token that ends a text.</summary>
    public static int? EndOfText(string folder, IReadOnlyDictionary<string, int> tokens) => Find(folder, tokens, "eos_token", End);

    private static int? Find(string folder, IReadOnlyDictionary<string, int> tokens, string key, string[] usual)
    {
        if (NamedToken(folder, key) is { } named && tokens.TryGetValue(named, out var byName))
        {
            return byName;
        }

        if (ConfiguredId(folder, key + "_id") is { } id && tokens.Values.Contains(id))
        {
            return id;
        }

        return usual.Where(tokens.ContainsKey).Select(name => (int?)tokens[name]).FirstOrDefault();
    }

    private static string? NamedToken(string folder, string key)
    {
        if (Open(folder, "tokenizer_config.json")?.Optional(key) is not { } token)
        {
            return null;
        }

        return token.Element.ValueKind == JsonValueKind.Object ? token.Required("content").Text() : token.Text();
    }

    /// <summary>An id of config.json; of a list (several tokens end a text) the first.</summary>
    private static int? ConfiguredId(string folder, string key)
    {
        if (Open(folder, "config.json")?.Optional(key) is not { } id)
        {
            return null;
        }

        return id.Element.ValueKind == JsonValueKind.Array ? id.Items().Select(item => (int?)item.Integer()).FirstOrDefault() : id.Integer();
    }

    private static JsonView? Open(string folder, string file)
    {
        var path = Path.Combine(folder, file);
        return File.Exists(path) ? JsonView.Read(path) : null;
    }
}
