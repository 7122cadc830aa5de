using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>x + attention(RMSNorm(x)), then x + SwiGLU(RMSNorm(x)) (Touvron et al. 2023).</summary>
internal sealed class LlamaBlock : Block
{
    private readonly RmsNorm _attentionNorm;
    private readonly LlamaAttention _attention;
    private readonly RmsNorm _feedForwardNorm;
    private readonly LlamaFeedForward _feedForward;

    /// <summary>Loads the block of this name.</summary>
    public LlamaBlock(WeightStore weights, string name, LlamaConfig config) : base(nameof(LlamaBlock))
    {
        _attentionNorm = new RmsNorm(weights, $"{name}.input_layernorm", config.Width, config.NormEpsilon);
        _attention = new LlamaAttention(weights, $"{name}.self_attn", config);
        _feedForwardNorm = new RmsNorm(weights, $"{name}.post_attention_layernorm", config.Width, config.NormEpsilon);
        _feedForward = new LlamaFeedForward(weights, $"{name}.mlp", config);
        register_module("input_layernorm", _attentionNorm);
        register_module("self_attn", _attention);
        register_module("post_attention_layernorm", _feedForwardNorm);
        register_module("mlp", _feedForward);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, ForwardPass pass)
    {
        // In place: what the output projections give is nobody else's, and products need no output on the way back.
        var attended = _attention.Forward(_attentionNorm.Forward(x), pass).add_(pass.Narrow(x), Numbers.One);
        return _feedForward.Forward(_feedForwardNorm.Forward(attended), pass).add_(attended, Numbers.One);
    }
}
