using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using TorchSharp;
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
    public Tensor Forward(Tensor x, ForwardPass pass) => _output.Forward(Attend(x, pass), pass, pass.Needed);

    private Tensor Attend(Tensor x, ForwardPass pass)
    {
        if (pass.NeededQueries is { } needed)
        {
            var (query, key, value) = Narrowed(x, pass, needed);
            return pass.Attend(Scaled(query), key, value);
        }

        var parts = _fused.Forward(x, pass).view(x.shape[0], 3, _heads, x.shape[1] / _heads);
        return pass.Cache is null && _queryScale == 1
            ? pass.Attend(parts)
            : pass.Attend(Scaled(parts.select(1, 0)), parts.select(1, 1), parts.select(1, 2));
    }

    private Tensor Scaled(Tensor query)
    {
        using Scalar scale = _queryScale;
        return _queryScale == 1 ? query : query.mul(scale);
    }

    /// <summary>Queries of the needed rows [N, H, Dh], keys and values of all [T, H, Dh].</summary>
    private (Tensor Query, Tensor Key, Tensor Value) Narrowed(Tensor x, ForwardPass pass, RowSelection needed)
    {
        var (queries, rest) = _fused.Forward(x, pass, needed, (int)x.shape[1]);
        var parts = rest.view(x.shape[0], 2, _heads, x.shape[1] / _heads).unbind(1);
        return (queries.view(queries.shape[0], _heads, x.shape[1] / _heads), parts[0], parts[1]);
    }
}
