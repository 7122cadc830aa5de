using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Cli.Benchmarks.Memory;

/// <summary>Models of known shapes with random weights: a benchmark downloads nothing.</summary>
internal static class RandomModels
{
    /// <summary>GPT-2 small: 12 blocks of width 768, in fp16 as a Hugging Face folder (249 MB).</summary>
    /// <param name="folder">An empty folder.</param>
    public static void WriteGpt2Small(string folder)
    {
        const int layers = 12;
        const int width = 768;
        const int vocabulary = 50_257;
        const int context = 1024;
        File.WriteAllText(
            Path.Combine(folder, "config.json"),
            $$"""{ "model_type": "gpt2", "n_layer": {{layers}}, "n_embd": {{width}}, "n_head": 12, "n_positions": {{context}}, "vocab_size": {{vocabulary}} }""");
        var tensors = new List<(string Name, long[] Shape)> { ("wte.weight", [vocabulary, width]), ("wpe.weight", [context, width]) };
        for (var i = 0; i < layers; i++)
        {
            AddNorm($"h.{i}.ln_1");
            AddLinear($"h.{i}.attn.c_attn", width, 3 * width);
            AddLinear($"h.{i}.attn.c_proj", width, width);
            AddNorm($"h.{i}.ln_2");
            AddLinear($"h.{i}.mlp.c_fc", width, 4 * width);
            AddLinear($"h.{i}.mlp.c_proj", 4 * width, width);
        }

        AddNorm("ln_f");
        WriteHalves(Path.Combine(folder, "model.safetensors"), tensors);

        void AddLinear(string name, long inputs, long outputs)
        {
            tensors.Add(($"{name}.weight", [inputs, outputs]));
            tensors.Add(($"{name}.bias", [outputs]));
        }

        void AddNorm(string name)
        {
            tensors.Add(($"{name}.weight", [width]));
            tensors.Add(($"{name}.bias", [width]));
        }
    }

    /// <summary>SmolLM2-135M: 30 blocks of width 576, matrices in Q4_1 and token embeddings in Q8_0, as the published file has them (96 MB).</summary>
    /// <param name="file">The GGUF file.</param>
    public static void WriteSmolLm2(string file)
    {
        const int layers = 30;
        const int width = 576;
        const int keys = 192;
        const int inner = 1536;
        const int vocabulary = 49_152;
        var random = new Random(1);
        var writer = new GgufWriter("llama")
            .Add("llama.block_count", (uint)layers).Add("llama.embedding_length", (uint)width).Add("llama.feed_forward_length", (uint)inner)
            .Add("llama.attention.head_count", 9u).Add("llama.attention.head_count_kv", 3u).Add("llama.context_length", 8192u)
            .Add("llama.attention.layer_norm_rms_epsilon", 1e-5f).Add("llama.rope.freq_base", 100_000f);
        writer.Tensor("token_embd.weight", "Q8_0", RandomBlocks.Of("Q8_0", (long)vocabulary * width, random), vocabulary, width);
        AddNorm("output_norm");
        for (var i = 0; i < layers; i++)
        {
            AddNorm($"blk.{i}.attn_norm");
            AddNorm($"blk.{i}.ffn_norm");
            foreach (var (name, rows, columns) in ((string, int, int)[])[
                ("attn_q", width, width), ("attn_k", keys, width), ("attn_v", keys, width), ("attn_output", width, width),
                ("ffn_gate", inner, width), ("ffn_up", inner, width), ("ffn_down", width, inner)])
            {
                writer.Tensor($"blk.{i}.{name}.weight", "Q4_1", RandomBlocks.Of("Q4_1", (long)rows * columns, random), rows, columns);
            }
        }

        writer.Write(file);

        void AddNorm(string name) => writer.Tensor($"{name}.weight", "F32", RandomBlocks.Of("F32", width, random), width);
    }

    private static void WriteHalves(string file, List<(string Name, long[] Shape)> tensors)
    {
        var random = new Random(1);
        var header = new JsonObject();
        long offset = 0;
        foreach (var (name, shape) in tensors)
        {
            var end = offset + (shape.Aggregate(1L, (product, size) => product * size) * 2);
            header[name] = new JsonObject
            {
                ["dtype"] = "F16",
                ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }

        using var stream = File.Create(file);
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        stream.Write(length);
        stream.Write(json);
        foreach (var (_, shape) in tensors)
        {
            stream.Write(RandomBlocks.Of("F16", shape.Aggregate(1L, (product, size) => product * size), random));
        }
    }
}
