using System.Text.Json.Nodes;
using SplitFrozen.Domain;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>A model's configuration from a GGUF file's metadata, in the keys of config.json.</summary>
internal static class GgufConfig
{
    private const string RotaryDivisors = "rope_freqs.weight";

    /// <summary>Families whose files can be read.</summary>
    public const string Families = "llama (Llama 2 and 3, SmolLM2) and gpt2";

    /// <summary>What metadata call the keys of config.json, after the family's name.</summary>
    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        ["hidden_size"] = "embedding_length",
        ["n_embd"] = "embedding_length",
        ["num_hidden_layers"] = "block_count",
        ["n_layer"] = "block_count",
        ["num_attention_heads"] = "attention.head_count",
        ["n_head"] = "attention.head_count",
        ["num_key_value_heads"] = "attention.head_count_kv",
        ["head_dim"] = "attention.key_length",
        ["intermediate_size"] = "feed_forward_length",
        ["n_inner"] = "feed_forward_length",
        ["max_position_embeddings"] = "context_length",
        ["n_positions"] = "context_length",
        ["rms_norm_eps"] = "attention.layer_norm_rms_epsilon",
        ["layer_norm_epsilon"] = "attention.layer_norm_epsilon",
        ["rope_theta"] = "rope.freq_base",
        ["rope_scaling.factor"] = "rope.scaling.factor",
    };

    /// <summary>Reads the configuration of a file of a known family.</summary>
    public static ConfigJson Read(GgufFile file)
    {
        var keys = file.Architecture switch
        {
            "llama" => Llama(file),
            "gpt2" => Gpt2(file),
            var other => throw file.Metadata.Unsupported("general.architecture", other, Families),
        };
        return ConfigJson.Of(file.Path, keys, key => Names.TryGetValue(key, out string? name) ? $"{file.Architecture}.{name}" : key);
    }

    /// <summary>
    /// What the angles of each rotary pair are divided by [Dh / 2], or null where nothing is said: llama.cpp writes Llama 3.1's scaling as
    /// a tensor, not as metadata.
    /// </summary>
    public static float[]? ReadRotaryDivisors(GgufFile file)
    {
        if (!file.Entries.TryGetValue(RotaryDivisors, out var entry))
        {
            return null;
        }

        if (entry.TypeName != NumberFormat.Float32.Name || entry.Shape.Length != 1 || entry.Elements > 1 << 12)
        {
            throw new UserErrorException($"'{file.Path}': tensor '{RotaryDivisors}' is {entry.TypeName} [{string.Join(", ", entry.Shape)}]; one row of up to 4096 F32 numbers can be read.");
        }

        using var tensor = TensorReader.Expanded(new StoredTensor(file.Path, entry));
        float[] divisors = [.. tensor.data<float>()];
        return Array.TrueForAll(divisors, divisor => divisor is > 0 and < float.PositiveInfinity)
            ? divisors
            : throw new UserErrorException($"'{file.Path}': tensor '{RotaryDivisors}' holds a number that is not above 0. Fetch the file again.");
    }

    private static JsonObject Llama(GgufFile file)
    {
        var metadata = file.Metadata;
        if (metadata.Integer("llama.expert_count") is > 0 and var experts)
        {
            throw metadata.Unsupported("llama.expert_count", $"{experts}", "models without experts");
        }

        var keys = new JsonObject
        {
            ["model_type"] = "llama",
            ["hidden_size"] = Integer(metadata, "llama.embedding_length"),
            ["num_hidden_layers"] = Integer(metadata, "llama.block_count"),
            ["num_attention_heads"] = Integer(metadata, "llama.attention.head_count"),
            ["intermediate_size"] = Integer(metadata, "llama.feed_forward_length"),
            ["max_position_embeddings"] = Integer(metadata, "llama.context_length"),
            ["rms_norm_eps"] = metadata.Number("llama.attention.layer_norm_rms_epsilon") ?? throw metadata.Missing("llama.attention.layer_norm_rms_epsilon"),
            ["rope_theta"] = metadata.Number("llama.rope.freq_base"),
            ["rope_scaling"] = RotaryScaling(metadata),
            ["num_key_value_heads"] = metadata.Integer("llama.attention.head_count_kv"),
            ["head_dim"] = HeadWidth(metadata),
            ["vocab_size"] = Vocabulary(file),
            ["tie_word_embeddings"] = !file.Entries.ContainsKey("output.weight"),
            ["attention_bias"] = file.Entries.ContainsKey("blk.0.attn_q.bias"),
            ["mlp_bias"] = file.Entries.ContainsKey("blk.0.ffn_gate.bias"),
        };
        return keys;
    }

    private static JsonObject Gpt2(GgufFile file)
    {
        var metadata = file.Metadata;
        return new JsonObject
        {
            ["model_type"] = "gpt2",
            ["n_embd"] = Integer(metadata, "gpt2.embedding_length"),
            ["n_layer"] = Integer(metadata, "gpt2.block_count"),
            ["n_head"] = Integer(metadata, "gpt2.attention.head_count"),
            ["n_inner"] = Integer(metadata, "gpt2.feed_forward_length"),
            ["n_positions"] = Integer(metadata, "gpt2.context_length"),
            ["layer_norm_epsilon"] = metadata.Number("gpt2.attention.layer_norm_epsilon") ?? throw metadata.Missing("gpt2.attention.layer_norm_epsilon"),
            ["vocab_size"] = Vocabulary(file),
            ["tie_word_embeddings"] = !file.Entries.ContainsKey("output.weight"),
        };
    }

    private static long Integer(GgufMetadata metadata, string key) => metadata.Integer(key) ?? throw metadata.Missing(key);

    /// <summary>The embedding's rows: metadata may leave the number out, and padding counts.</summary>
    private static long Vocabulary(GgufFile file) => file.Entries.TryGetValue("token_embd.weight", out var table) && table.Shape.Length == 2
        ? table.Shape[0]
        : throw new UserErrorException($"'{file.Path}' has no token embeddings (tensor token_embd.weight). Fetch the file of the whole model.");

    private static long? HeadWidth(GgufMetadata metadata)
    {
        const string rotatedKey = "llama.rope.dimension_count";
        long? width = metadata.Integer("llama.attention.key_length");
        long heads = metadata.Integer("llama.attention.head_count") ?? 0;
        long usual = width ?? (heads > 0 ? (metadata.Integer("llama.embedding_length") ?? 0) / heads : 0);
        // Where heads or width are 0, that is what is wrong, and is said when they are read.
        return usual == 0 || metadata.Integer(rotatedKey) is not { } rotated || rotated == usual
            ? width
            : throw metadata.Unsupported(rotatedKey, $"{rotated}", $"the head's width, {usual}");
    }

    private static JsonObject? RotaryScaling(GgufMetadata metadata)
    {
        const string typeKey = "llama.rope.scaling.type";
        double? factor = metadata.Number("llama.rope.scaling.factor") ?? metadata.Number("llama.rope.scale_linear");
        return (metadata.Text(typeKey) ?? (factor is null ? "none" : "linear")) switch
        {
            "none" => null,
            "linear" => new JsonObject { ["rope_type"] = "linear", ["factor"] = factor ?? throw metadata.Missing("llama.rope.scaling.factor") },
            var other => throw metadata.Unsupported(typeKey, other, "none and linear"),
        };
    }
}
