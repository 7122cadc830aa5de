using System.Text.Json;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Gguf;
using SplitFrozen.Model.Tests.Support;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Gguf;

/// <summary>Turns Hugging Face folders into GGUF files, as llama.cpp's converter does.</summary>
internal static class GgufModels
{
    /// <summary>Names of a Llama block's modules, and in which of them the rows of rotary pairs are brought together.</summary>
    private static readonly Dictionary<string, string> _llama = new()
    {
        ["input_layernorm"] = "attn_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
        ["model.embed_tokens"] = "token_embd",
        ["model.norm"] = "output_norm",
        ["lm_head"] = "output",
    };

    private static readonly Dictionary<string, string> _gpt2 = new()
    {
        ["ln_1"] = "attn_norm",
        ["attn.c_attn"] = "attn_qkv",
        ["attn.c_proj"] = "attn_output",
        ["ln_2"] = "ffn_norm",
        ["mlp.c_fc"] = "ffn_up",
        ["mlp.c_proj"] = "ffn_down",
        ["transformer.wte"] = "token_embd",
        ["transformer.wpe"] = "position_embd",
        ["transformer.ln_f"] = "output_norm",
        ["lm_head"] = "output",
    };

    /// <summary>A file with the weights and sizes of a folder.</summary>
    public static GgufWriter Of(string folder, int alignment = 32)
    {
        var config = Json.Read(Path.Combine(folder, "config.json"));
        bool isLlama = config.GetProperty("model_type").GetString() == "llama";
        var writer = isLlama ? LlamaSizes(config, alignment) : Gpt2Sizes(config, alignment);
        var file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        foreach (var entry in file.Entries.Values)
        {
            using var scope = NewDisposeScope();
            var tensor = file.Read(entry);
            var stored = isLlama ? LlamaRows(entry.Name, tensor, config) : Gpt2Rows(entry.Name, tensor);
            writer.Tensor(Name(entry.Name, isLlama), stored.Numbers(), stored.shape);
        }

        return writer;
    }

    private static GgufWriter LlamaSizes(JsonElement config, int alignment) => new GgufWriter("llama", alignment)
        .Add("llama.embedding_length", Size(config, "hidden_size"))
        .Add("llama.block_count", Size(config, "num_hidden_layers"))
        .Add("llama.attention.head_count", Size(config, "num_attention_heads"))
        .Add("llama.attention.head_count_kv", Size(config, "num_key_value_heads"))
        .Add("llama.feed_forward_length", Size(config, "intermediate_size"))
        .Add("llama.context_length", Size(config, "max_position_embeddings"))
        .Add("llama.attention.layer_norm_rms_epsilon", config.GetProperty("rms_norm_eps").GetSingle())
        .Add("llama.rope.dimension_count", Size(config, "hidden_size") / Size(config, "num_attention_heads"))
        .Add("llama.rope.freq_base", config.TryGetProperty("rope_parameters", out var rotary) ? rotary.GetProperty("rope_theta").GetSingle() : 10_000f);

    private static GgufWriter Gpt2Sizes(JsonElement config, int alignment) => new GgufWriter("gpt2", alignment)
        .Add("gpt2.embedding_length", Size(config, "n_embd"))
        .Add("gpt2.block_count", Size(config, "n_layer"))
        .Add("gpt2.attention.head_count", Size(config, "n_head"))
        .Add("gpt2.feed_forward_length", 4 * Size(config, "n_embd"))
        .Add("gpt2.context_length", Size(config, "n_positions"))
        .Add("gpt2.attention.layer_norm_epsilon", config.GetProperty("layer_norm_epsilon").GetSingle());

    private static uint Size(JsonElement config, string key) => config.GetProperty(key).GetUInt32();

    /// <summary>llama.cpp's order: [heads, half, pair] becomes [heads, pair, half].</summary>
    private static Tensor LlamaRows(string name, Tensor tensor, JsonElement config)
    {
        uint heads = name.Contains("q_proj", StringComparison.Ordinal) ? Size(config, "num_attention_heads")
            : name.Contains("k_proj", StringComparison.Ordinal) ? Size(config, "num_key_value_heads") : 0;
        return heads == 0
            ? tensor
            : tensor.reshape(heads, 2, tensor.shape[0] / heads / 2, tensor.shape[1]).transpose(1, 2).reshape(tensor.shape);
    }

    private static Tensor Gpt2Rows(string name, Tensor tensor) =>
        tensor.dim() == 2 && (name.Contains("c_", StringComparison.Ordinal)) ? tensor.t().contiguous() : tensor;

    private static string Name(string name, bool isLlama)
    {
        int dot = name.LastIndexOf('.');
        var names = isLlama ? _llama : _gpt2;
        string module = isLlama || name.StartsWith("transformer.", StringComparison.Ordinal) || name.StartsWith("lm_head", StringComparison.Ordinal)
            ? name[..dot]
            : "transformer." + name[..dot];
        if (names.TryGetValue(module, out string? outside))
        {
            return outside + name[dot..];
        }

        string[] parts = module.Split('.', 4);
        return $"blk.{parts[2]}.{names[parts[3]]}{name[dot..]}";
    }
}
