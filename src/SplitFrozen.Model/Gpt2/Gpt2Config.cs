using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gpt2;

/// <summary>Which GELU a feed-forward part uses.</summary>
internal enum GeluKind
{
    /// <summary>x Φ(x) (Hendrycks and Gimpel 2016).</summary>
    Exact,

    /// <summary>The tanh approximation of the same paper; Hugging Face calls it gelu_new and gelu_pytorch_tanh.</summary>
    Tanh,
}

/// <summary>GPT-2's config.json.</summary>
internal sealed record Gpt2Config(
    int Layers, int Width, int Heads, int FeedForward, int Vocabulary, int Context, GeluKind Activation, double NormEpsilon,
    bool ScaleByHeadWidth, bool ScaleByLayer, bool TiedHead, double InitializerRange)
{
    /// <summary>Reads and checks the configuration; absent keys have the defaults of Hugging Face.</summary>
    public static Gpt2Config Read(ConfigJson json)
    {
        int width = json.Integer("n_embd", 1, 1 << 17, 768);
        int heads = json.Integer("n_head", 1, 1 << 12, 12);
        if (width % heads != 0)
        {
            throw json.Unsupported("n_head", $"{heads}", $"divisors of n_embd = {width}");
        }

        if (json.Flag("add_cross_attention", false))
        {
            throw json.Unsupported("add_cross_attention", "true", "false");
        }

        return new Gpt2Config(
            Layers: json.Integer("n_layer", 1, 1 << 12, 12),
            Width: width,
            Heads: heads,
            FeedForward: json.Integer("n_inner", 1, 1 << 20, 4 * width),
            Vocabulary: json.Integer("vocab_size", 1, 1 << 24, 50257),
            Context: json.Integer("n_positions", 1, 1 << 24, 1024),
            Activation: ReadActivation(json),
            NormEpsilon: json.Number("layer_norm_epsilon", 0, 1, 1e-5),
            ScaleByHeadWidth: json.Flag("scale_attn_weights", true),
            ScaleByLayer: json.Flag("scale_attn_by_inverse_layer_idx", false),
            TiedHead: json.Flag("tie_word_embeddings", true),
            InitializerRange: json.Number("initializer_range", 0, 10, 0.02));
    }

    private static GeluKind ReadActivation(ConfigJson json) => (json.Text("activation_function") ?? "gelu_new") switch
    {
        "gelu_new" or "gelu_pytorch_tanh" => GeluKind.Tanh,
        "gelu" => GeluKind.Exact,
        string other => throw json.Unsupported("activation_function", $"'{other}'", "gelu_new, gelu_pytorch_tanh and gelu"),
    };
}
