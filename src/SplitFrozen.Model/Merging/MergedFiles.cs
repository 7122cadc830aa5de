using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Files;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Gguf;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Merging;

/// <summary>The files of a merged model beside its weights.</summary>
internal static class MergedFiles
{
    private const string TokenizerConfiguration = "tokenizer_config.json";

    private static readonly string[] Copied =
    [
        "added_tokens.json", "chat_template.jinja", "generation_config.json", "merges.txt", "special_tokens_map.json", "tokenizer.json",
        "tokenizer.model", TokenizerConfiguration, "vocab.json",
    ];

    private static readonly string[] Tokenizers = ["tokenizer.json", "vocab.json"];

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Copies what belongs to the tokenizer and to generation.</summary>
    /// <exception cref="UserErrorException">The tokenizer is in a GGUF file alone.</exception>
    public static void Copy(ModelFiles from, string to)
    {
        if (from.GgufPath is not null && !Tokenizers.Any(name => File.Exists(from.In(name))))
        {
            throw new UserErrorException($"The model '{from.Path}' has its tokenizer in the GGUF file only, and a merged folder needs it as a file. Put the tokenizer.json that was published with the model beside it.");
        }

        foreach (string name in Copied.Where(name => File.Exists(from.In(name))))
        {
            // The content only: where the base model may not be written to, its copies may.
            File.WriteAllBytes(Path.Combine(to, name), File.ReadAllBytes(from.In(name)));
        }
    }

    /// <summary>Writes a language model's configuration: the base model's, with its class and the weights' type.</summary>
    public static void WriteConfiguration(ModelFiles from, string to, string className) => Write(to, Changed(from, className));

    /// <summary>
    /// Writes a classifier's configuration: besides that the labels, and the padding token without which Hugging Face's classifiers refuse batches.
    /// The tokenizer's configuration names that token too.
    /// </summary>
    public static void WriteClassifierConfiguration(ModelFiles from, string to, string className, IReadOnlyList<string> labels, ITextTokenizer tokenizer)
    {
        var config = Changed(from, className);
        config["id2label"] = new JsonObject(labels.Select((label, id) => KeyValuePair.Create($"{id}", (JsonNode?)label)));
        config["label2id"] = new JsonObject(labels.Select((label, id) => KeyValuePair.Create(label, (JsonNode?)id)));
        config["problem_type"] = "single_label_classification";
        int pad = Id(config["pad_token_id"]) ?? Id(config["eos_token_id"]) ?? tokenizer.EndOfText ?? 0;
        config["pad_token_id"] = pad;
        Write(to, config);
        string path = Path.Combine(to, TokenizerConfiguration);
        var tokens = File.Exists(path) ? ConfigJson.Read(path).ToObject() : [];
        tokens["pad_token"] ??= tokenizer.Decode([pad], skipSpecialTokens: false);
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, tokens, Json));
    }

    private static JsonObject Changed(ModelFiles from, string className)
    {
        var config = Configuration(from).ToObject();
        config["architectures"] = new JsonArray(className);
        config["torch_dtype"] = "float32";
        if (config.ContainsKey("dtype"))
        {
            config["dtype"] = "float32";
        }

        return config;
    }

    /// <summary>The configuration of a folder, or of a GGUF file where there is none.</summary>
    private static ConfigJson Configuration(ModelFiles from)
    {
        string path = from.In("config.json");
        if (from.OpenGguf() is not { } gguf || File.Exists(path))
        {
            return ConfigJson.Read(path);
        }

        return GgufConfig.ReadRotaryDivisors(gguf) is null
            ? GgufConfig.Read(gguf)
            : throw new UserErrorException($"The model '{from.Path}' scales its rotary angles by a tensor, which config.json cannot say. Put the config.json that was published with the model beside it.");
    }

    private static void Write(string to, JsonObject config) =>
        AtomicFile.Write(Path.Combine(to, "config.json"), stream => JsonSerializer.Serialize(stream, config, Json));

    /// <summary>A token id, or the first of a list.</summary>
    private static int? Id(JsonNode? value) => value switch
    {
        JsonArray { Count: > 0 } list => Id(list[0]),
        JsonValue number when number.TryGetValue(out int id) => id,
        _ => null,
    };
}
