using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Cli.Benchmarks.Memory;

/// <summary>A GGUF file of a known shape with random weights: a benchmark downloads nothing.</summary>
internal static class RandomGguf
{
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
}
