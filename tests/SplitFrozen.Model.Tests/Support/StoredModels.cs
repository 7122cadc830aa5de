using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Small models whose matrices are stored in any format, with random contents.</summary>
internal static class StoredModels
{
    /// <summary>Sizes: rows of 256 numbers fill the blocks of every format.</summary>
    public const int Width = 256;

    /// <summary>Blocks.</summary>
    public const int Layers = 3;

    private const int Inner = 512;
    private const int Heads = 4;
    private const int KeyValueHeads = 2;
    private const int Vocabulary = 64;

    /// <summary>Numbers of a block's matrices.</summary>
    public static long LlamaBlock => (Width * Width * 2) + (2L * Width * Width * KeyValueHeads / Heads) + (3L * Width * Inner);

    /// <summary>Numbers of a Llama block's largest matrix.</summary>
    public static long Largest => (long)Width * Inner;

    /// <summary>Numbers of the token table.</summary>
    public static long Table => (long)Vocabulary * Width;

    /// <summary>A Llama file whose matrices have a format.</summary>
    public static void WriteLlama(string path, string format)
    {
        var random = new Random(5);
        int keys = Width * KeyValueHeads / Heads;
        var writer = new GgufWriter("llama")
            .Add("llama.embedding_length", (uint)Width).Add("llama.block_count", (uint)Layers).Add("llama.attention.head_count", (uint)Heads)
            .Add("llama.attention.head_count_kv", (uint)KeyValueHeads).Add("llama.feed_forward_length", (uint)Inner).Add("llama.context_length", 64u)
            .Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        Matrix("token_embd", Vocabulary, Width);
        Vector("output_norm.weight", Width);
        for (int layer = 0; layer < Layers; layer++)
        {
            Vector($"blk.{layer}.attn_norm.weight", Width);
            Vector($"blk.{layer}.ffn_norm.weight", Width);
            Matrix($"blk.{layer}.attn_q", Width, Width);
            Matrix($"blk.{layer}.attn_k", keys, Width);
            Matrix($"blk.{layer}.attn_v", keys, Width);
            Matrix($"blk.{layer}.attn_output", Width, Width);
            Matrix($"blk.{layer}.ffn_gate", Inner, Width);
            Matrix($"blk.{layer}.ffn_up", Inner, Width);
            Matrix($"blk.{layer}.ffn_down", Width, Inner);
        }

        writer.Write(path);

        void Matrix(string name, int rows, int columns) => writer.Tensor($"{name}.weight", format, RandomBlocks.Of(format, (long)rows * columns, random), rows, columns);

        void Vector(string name, int size) => writer.Tensor(name, [.. Enumerable.Range(0, size).Select(_ => 0.5f + random.NextSingle())], size);
    }

    /// <summary>A GPT-2 file whose matrices, stored transposed, have a format.</summary>
    public static void WriteGpt2(string path, string format)
    {
        var random = new Random(6);
        var writer = new GgufWriter("gpt2")
            .Add("gpt2.embedding_length", (uint)Width).Add("gpt2.block_count", (uint)Layers).Add("gpt2.attention.head_count", (uint)Heads)
            .Add("gpt2.feed_forward_length", (uint)Inner).Add("gpt2.context_length", 64u).Add("gpt2.attention.layer_norm_epsilon", 1e-5f);
        Matrix("token_embd", Vocabulary, Width);
        Matrix("position_embd", 64, Width);
        Norm("output_norm");
        for (int layer = 0; layer < Layers; layer++)
        {
            Norm($"blk.{layer}.attn_norm");
            Norm($"blk.{layer}.ffn_norm");
            Linear($"blk.{layer}.attn_qkv", 3 * Width, Width);
            Linear($"blk.{layer}.attn_output", Width, Width);
            Linear($"blk.{layer}.ffn_up", Inner, Width);
            Linear($"blk.{layer}.ffn_down", Width, Inner);
        }

        writer.Write(path);

        void Matrix(string name, int rows, int columns) => writer.Tensor($"{name}.weight", format, RandomBlocks.Of(format, (long)rows * columns, random), rows, columns);

        void Vector(string name, int size) => writer.Tensor(name, [.. Enumerable.Range(0, size).Select(_ => 0.5f + random.NextSingle())], size);

        void Linear(string name, int rows, int columns)
        {
            Matrix(name, rows, columns);
            Vector($"{name}.bias", rows);
        }

        void Norm(string name)
        {
            Vector($"{name}.weight", Width);
            Vector($"{name}.bias", Width);
        }
    }
}
