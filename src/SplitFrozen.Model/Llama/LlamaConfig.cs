using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Llama;

/// <summary>Llama's config.json.</summary>
internal sealed record LlamaConfig(
    int Layers, int Width, int Heads, int KeyValueHeads, int HeadWidth, int FeedForward, int Vocabulary, int Context,
    double NormEpsilon, RotaryConfig Rotary, bool AttentionBias, bool FeedForwardBias, bool TiedHead, double InitializerRange)
{
    /// <summary>Reads and checks the configuration; absent keys have the defaults of Hugging Face.</summary>
    public static LlamaConfig Read(ConfigJson json)
    {
        int width = json.Integer("hidden_size", 1, 1 << 17);
        int heads = json.Integer("num_attention_heads", 1, 1 << 12);
        int keyValueHeads = json.Integer("num_key_value_heads", 1, heads, heads);
        int context = json.Integer("max_position_embeddings", 1, 1 << 24, 2048);
        if (heads % keyValueHeads != 0)
        {
            throw json.Unsupported("num_key_value_heads", $"{keyValueHeads}", $"divisors of num_attention_heads = {heads}");
        }

        if ((json.Text("hidden_act") ?? "silu") is var activation && activation != "silu")
        {
            throw json.Unsupported("hidden_act", $"'{activation}'", "silu");
        }

        return new LlamaConfig(
            Layers: json.Integer("num_hidden_layers", 1, 1 << 12),
            Width: width,
            Heads: heads,
            KeyValueHeads: keyValueHeads,
            HeadWidth: ReadHeadWidth(json, width, heads),
            FeedForward: json.Integer("intermediate_size", 1, 1 << 20),
            Vocabulary: json.Integer("vocab_size", 1, 1 << 24),
            Context: context,
            NormEpsilon: json.Number("rms_norm_eps", 0, 1, 1e-6),
            Rotary: RotaryConfig.Read(json, context),
            AttentionBias: json.Flag("attention_bias", false),
            FeedForwardBias: json.Flag("mlp_bias", false),
            TiedHead: json.Flag("tie_word_embeddings", false),
            InitializerRange: json.Number("initializer_range", 0, 10, 0.02));
    }

    private static int ReadHeadWidth(ConfigJson json, int width, int heads)
    {
        int headWidth = json.Integer("head_dim", 2, 1 << 12, Math.Max(2, width / heads));
        return headWidth % 2 == 0 ? headWidth : throw json.Unsupported("head_dim", $"{headWidth}", "even numbers");
    }
}
