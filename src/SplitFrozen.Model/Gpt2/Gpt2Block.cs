using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Gpt2;

/// <summary>x + attention(LayerNorm(x)), then x + feed-forward(LayerNorm(x)) (Radford et al. 2019).</summary>
internal sealed class Gpt2Block : Block
{
    private readonly LayerNorm _attentionNorm;
    private readonly Gpt2Attention _attention;
    private readonly LayerNorm _feedForwardNorm;
    private readonly Gpt2FeedForward _feedForward;

    /// <summary>Loads block <paramref name="layer"/>.</summary>
    public Gpt2Block(WeightStore weights, string name, Gpt2Config config, int layer) : base(nameof(Gpt2Block))
    {
        _attentionNorm = new LayerNorm(weights, $"{name}.ln_1", config.Width, config.NormEpsilon);
        _attention = new Gpt2Attention(weights, $"{name}.attn", config, layer);
        _feedForwardNorm = new LayerNorm(weights, $"{name}.ln_2", config.Width, config.NormEpsilon);
        _feedForward = new Gpt2FeedForward(weights, $"{name}.mlp", config);
        register_module("ln_1", _attentionNorm);
        register_module("attn", _attention);
        register_module("ln_2", _feedForwardNorm);
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
