using System.Globalization;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>
/// Translates the tensor names of GGUF files to those of Hugging Face, and says how their rows are stored (llama.cpp's tensor_mapping.py and
/// convert_hf_to_gguf.py are the source).
/// </summary>
internal static class GgufNames
{
    private const string BlockPrefix = "blk.";

    private static readonly Dictionary<string, (string Name, RowOrder Order)> _llamaBlock = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = ("input_layernorm", RowOrder.Kept),
        ["attn_q"] = ("self_attn.q_proj", RowOrder.RotaryQueries),
        ["attn_k"] = ("self_attn.k_proj", RowOrder.RotaryKeys),
        ["attn_v"] = ("self_attn.v_proj", RowOrder.Kept),
        ["attn_output"] = ("self_attn.o_proj", RowOrder.Kept),
        ["ffn_norm"] = ("post_attention_layernorm", RowOrder.Kept),
        ["ffn_gate"] = ("mlp.gate_proj", RowOrder.Kept),
        ["ffn_up"] = ("mlp.up_proj", RowOrder.Kept),
        ["ffn_down"] = ("mlp.down_proj", RowOrder.Kept),
    };

    private static readonly Dictionary<string, (string Name, RowOrder Order)> _gpt2Block = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = ("ln_1", RowOrder.Kept),
        ["attn_qkv"] = ("attn.c_attn", RowOrder.Transposed),
        ["attn_output"] = ("attn.c_proj", RowOrder.Transposed),
        ["ffn_norm"] = ("ln_2", RowOrder.Kept),
        ["ffn_up"] = ("mlp.c_fc", RowOrder.Transposed),
        ["ffn_down"] = ("mlp.c_proj", RowOrder.Transposed),
    };

    /// <summary>The Hugging Face name of a tensor and how its rows are stored, or null for one that no module reads.</summary>
    /// <param name="architecture">general.architecture: llama or gpt2.</param>
    /// <param name="name">The file's name, such as blk.3.attn_q.weight.</param>
    public static (string Name, RowOrder Order)? HuggingFace(string architecture, string name)
    {
        int dot = name.LastIndexOf('.');
        if (dot < 0 || name[dot..] is not (".weight" or ".bias"))
        {
            return null;
        }

        string module = name[..dot];
        var found = module.StartsWith(BlockPrefix, StringComparison.Ordinal)
            ? InBlock(architecture, module[BlockPrefix.Length..])
            : Outside(architecture, module);
        if (found is not var (translated, order))
        {
            return null;
        }

        // Biases are vectors: there is nothing to transpose.
        return (translated + name[dot..], order == RowOrder.Transposed && name[dot..] == ".bias" ? RowOrder.Kept : order);
    }

    private static (string Name, RowOrder Order)? InBlock(string architecture, string module)
    {
        int dot = module.IndexOf('.');
        if (dot < 0 || !int.TryParse(module.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out int layer))
        {
            return null;
        }

        var (names, prefix) = architecture == "gpt2" ? (_gpt2Block, "transformer.h") : (_llamaBlock, "model.layers");
        return names.TryGetValue(module[(dot + 1)..], out var found)
            ? (string.Create(CultureInfo.InvariantCulture, $"{prefix}.{layer}.{found.Name}"), found.Order)
            : null;
    }

    private static (string Name, RowOrder Order)? Outside(string architecture, string module)
    {
        string? name = (architecture, module) switch
        {
            ("gpt2", "token_embd") => "transformer.wte",
            ("gpt2", "position_embd") => "transformer.wpe",
            ("gpt2", "output_norm") => "transformer.ln_f",
            ("llama", "token_embd") => "model.embed_tokens",
            ("llama", "output_norm") => "model.norm",
            (_, "output") => "lm_head",
            _ => null,
        };
        return name is null ? null : (name, RowOrder.Kept);
    }
}
