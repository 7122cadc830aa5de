using System.Text.Json;
using System.Text.Json.Nodes;

using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Tokenizers;

/// <summary>A small tokenizer.json, written part by part as JSON.</summary>
/// <param name="Tokens">The vocabulary; ids are the places.</param>
/// <param name="Merges">Merges, "a b".</param>
internal sealed record TokenizerJsonText(string[] Tokens, params string[] Merges)
{
    public string Model { get; init; } = "{}";

    public string AddedTokens { get; init; } = "[]";

    public string Normalizer { get; init; } = "null";

    public string PreTokenizer { get; init; } = "null";

    public string PostProcessor { get; init; } = "null";

    public string Decoder { get; init; } = """{"type":"Fuse"}""";

    /// <summary>Writes the file into a temporary folder and opens it.</summary>
    public ITextTokenizer Open()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("tokenizer.json"), Write());
        return TokenizerFolder.Open(folder.Path);
    }

    /// <summary>The file's text.</summary>
    public string Write()
    {
        var model = JsonNode.Parse(Model)!.AsObject();
        model.TryAdd("type", "BPE");
        model.TryAdd("vocab", new JsonObject(Tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))));
        model.TryAdd("merges", JsonSerializer.SerializeToNode(Merges));
        return new JsonObject
        {
            ["model"] = model,
            ["added_tokens"] = JsonNode.Parse(AddedTokens),
            ["normalizer"] = JsonNode.Parse(Normalizer),
            ["pre_tokenizer"] = JsonNode.Parse(PreTokenizer),
            ["post_processor"] = JsonNode.Parse(PostProcessor),
            ["decoder"] = JsonNode.Parse(Decoder),
        }.ToJsonString();
    }

    /// <summary>The tokens that a text is cut into.</summary>
    public string[] Cut(string text, bool addSpecialTokens = false)
    {
        var tokenizer = Open();
        return [.. tokenizer.Encode(text, addSpecialTokens).Select(id => tokenizer.Decode([id], skipSpecialTokens: false))];
    }
}
