using System.Text.Json;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model;

/// <summary>Writes model folders of any sizes with random weights, for measurements and tests: what is computed and how long it takes does not depend on what was learned.</summary>
internal static class RandomModel
{
    /// <summary>Writes config.json and model.safetensors, without a tokenizer. Equal seeds give equal weights.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="type">How weights are stored: float32, float16 or bfloat16.</param>
    public static void Write(string folder, ModelShape shape, long seed, ScalarType type = ScalarType.Float32)
    {
        object config = shape.Family == ModelFamily.Gpt2 ? Gpt2Config(shape) : LlamaConfig(shape);
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(config));
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, sizes) in shape.Family == ModelFamily.Gpt2 ? Gpt2Tensors(shape) : LlamaTensors(shape))
        {
            bool isGain = sizes.Length == 1 && name.EndsWith("weight", StringComparison.Ordinal);
            double deviation = sizes.Length == 1 ? 0.1 : 0.5 / Math.Sqrt(sizes[^1]);
            using var drawn = torch.empty(sizes).normal_(isGain ? 1 : 0, deviation, generator);
            tensors.Add(name, drawn.to(type).alias());
        }

        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
    }

    private static object Gpt2Config(ModelShape shape) => new
    {
        model_type = "gpt2",
        n_layer = shape.Layers,
        n_embd = shape.Width,
        n_head = shape.Heads,
        n_inner = shape.FeedForward,
        vocab_size = shape.Vocabulary,
        n_positions = shape.Context,
        tie_word_embeddings = shape.TiedHead,
    };

    private static object LlamaConfig(ModelShape shape) => new
    {
        model_type = "llama",
        num_hidden_layers = shape.Layers,
        hidden_size = shape.Width,
        num_attention_heads = shape.Heads,
        num_key_value_heads = shape.KeyValueHeads,
        head_dim = shape.HeadWidth,
        intermediate_size = shape.FeedForward,
        vocab_size = shape.Vocabulary,
        max_position_embeddings = shape.Context,
        tie_word_embeddings = shape.TiedHead,
    };

    private static IEnumerable<(string Name, long[] Sizes)> Gpt2Tensors(ModelShape shape)
    {
        long d = shape.Width;
        yield return ("transformer.wte.weight", [shape.Vocabulary, d]);
        yield return ("transformer.wpe.weight", [shape.Context, d]);
        for (int i = 0; i < shape.Layers; i++)
        {
            string block = $"transformer.h.{i}";
            foreach (var (part, inputs, outputs) in new[]
            {
                ("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, shape.FeedForward), ("mlp.c_proj", shape.FeedForward, d),
            })
            {
                yield return ($"{block}.{part}.weight", [inputs, outputs]);
                yield return ($"{block}.{part}.bias", [outputs]);
            }

            foreach (string norm in new[] { "ln_1", "ln_2" })
            {
                yield return ($"{block}.{norm}.weight", [d]);
                yield return ($"{block}.{norm}.bias", [d]);
            }
        }

        yield return ("transformer.ln_f.weight", [d]);
        yield return ("transformer.ln_f.bias", [d]);
        if (!shape.TiedHead)
        {
            yield return ("lm_head.weight", [shape.Vocabulary, d]);
        }
    }

    private static IEnumerable<(string Name, long[] Sizes)> LlamaTensors(ModelShape shape)
    {
        long d = shape.Width;
        long queries = (long)shape.Heads * shape.HeadWidth;
        long keys = (long)shape.KeyValueHeads * shape.HeadWidth;
        yield return ("model.embed_tokens.weight", [shape.Vocabulary, d]);
        for (int i = 0; i < shape.Layers; i++)
        {
            string block = $"model.layers.{i}";
            yield return ($"{block}.self_attn.q_proj.weight", [queries, d]);
            yield return ($"{block}.self_attn.k_proj.weight", [keys, d]);
            yield return ($"{block}.self_attn.v_proj.weight", [keys, d]);
            yield return ($"{block}.self_attn.o_proj.weight", [d, queries]);
            yield return ($"{block}.mlp.gate_proj.weight", [shape.FeedForward, d]);
            yield return ($"{block}.mlp.up_proj.weight", [shape.FeedForward, d]);
            yield return ($"{block}.mlp.down_proj.weight", [d, shape.FeedForward]);
            yield return ($"{block}.input_layernorm.weight", [d]);
            yield return ($"{block}.post_attention_layernorm.weight", [d]);
        }

        yield return ("model.norm.weight", [d]);
        if (!shape.TiedHead)
        {
            yield return ("lm_head.weight", [shape.Vocabulary, d]);
        }
    }
}
