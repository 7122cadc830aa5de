using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>Causal self-attention with rotary positions, in which groups of query heads share a key and value head (Ainslie et al. 2023).</summary>
internal sealed class LlamaAttention : nn.Module
{
    private readonly LlamaConfig _config;
    private readonly Projection _query;
    private readonly Projection _key;
    private readonly Projection _value;
    private readonly Projection _output;

    /// <summary>Loads <c>name.q_proj</c>, <c>k_proj</c>, <c>v_proj</c> and <c>o_proj</c>.</summary>
    public LlamaAttention(WeightStore weights, string name, LlamaConfig config) : base(nameof(LlamaAttention))
    {
        _config = config;
        int queryWidth = config.Heads * config.HeadWidth;
        int keyWidth = config.KeyValueHeads * config.HeadWidth;
        _query = Load("q_proj", config.Width, queryWidth);
        _key = Load("k_proj", config.Width, keyWidth);
        _value = Load("v_proj", config.Width, keyWidth);
        _output = Load("o_proj", queryWidth, config.Width);

        Projection Load(string part, int inputs, int outputs)
        {
            var projection = new Projection(weights, $"{name}.{part}", inputs, outputs, WeightOrder.OutputFirst, config.AttentionBias);
            register_module(part, projection);
            return projection;
        }
    }

    /// <summary>Maps rows [T, D] to the attention's output on the rows that the pass needs, [R, D].</summary>
    public Tensor Forward(Tensor x, ForwardPass pass)
    {
        var angles = pass.Rotary ?? throw new InvalidOperationException("A Llama pass needs rotary angles.");
        var needed = pass.NeededQueries;
        var queries = _query.Forward(needed is null ? x : x.index_select(0, needed.Index), pass, needed);
        var query = RotaryEmbedding.Rotate(Heads(queries, _config.Heads), angles.Of(needed));
        var key = RotaryEmbedding.Rotate(Heads(_key.Forward(x, pass), _config.KeyValueHeads), angles);
        var value = Heads(_value.Forward(x, pass), _config.KeyValueHeads);
        return _output.Forward(pass.Attend(query, key, value), pass, pass.Needed);
    }

    private Tensor Heads(Tensor rows, int heads) => rows.view(rows.shape[0], heads, _config.HeadWidth);
}
