using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Gpt2;

/// <summary>Causal self-attention with one fused projection for queries, keys and values.</summary>
internal sealed class Gpt2Attention : nn.Module
{
    private readonly Projection _fused;
    private readonly Projection _output;
    private readonly int _heads;
    private readonly double _queryScale;

    /// <summary>Loads <c>name.c_attn</c> and <c>name.c_proj</c>.</summary>
    public Gpt2Attention(WeightStore weights, string name, Gpt2Config config, int layer) : base(nameof(Gpt2Attention))
    {
        _heads = config.Heads;
        // The attention kernel divides by √Dh; what the configuration wants otherwise goes into the queries.
        _queryScale = (config.ScaleByHeadWidth ? 1 : Math.Sqrt(config.Width / config.Heads)) / (config.ScaleByLayer ? layer + 1 : 1);
        _fused = new Projection(weights, $"{name}.c_attn", config.Width, 3 * config.Width, WeightOrder.InputFirst, bias: true);
        _output = new Projection(weights, $"{name}.c_proj", config.Width, config.Width, WeightOrder.InputFirst, bias: true);
        register_module("c_attn", _fused);
        register_module("c_proj", _output);
    }

    /// <summary>Maps rows [T, D] to the attention's output on the rows that the pass needs, [R, D].</summary>
    public Tensor Forward(Tensor x, ForwardPass pass)
    {
        var parts = _fused.Forward(x, pass).view(x.shape[0], 3, _heads, x.shape[1] / _heads).unbind(1);
        var query = _queryScale == 1 ? parts[0] : parts[0].mul(_queryScale);
        var attended = pass.Attend(query, parts[1], parts[2]);
        return _output.Forward(pass.Narrow(attended), pass);
    }
}
