using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>SwiGLU: down(silu(gate(x)) · up(x)) (Shazeer 2020).</summary>
internal sealed class LlamaFeedForward : nn.Module
{
    private readonly Projection _gate;
    private readonly Projection _up;
    private readonly Projection _down;

    /// <summary>Loads <c>name.gate_proj</c>, <c>up_proj</c> and <c>down_proj</c>.</summary>
    public LlamaFeedForward(WeightStore weights, string name, LlamaConfig config) : base(nameof(LlamaFeedForward))
    {
        _gate = Load("gate_proj", config.Width, config.FeedForward);
        _up = Load("up_proj", config.Width, config.FeedForward);
        _down = Load("down_proj", config.FeedForward, config.Width);

        Projection Load(string part, int inputs, int outputs)
        {
            var projection = new Projection(weights, $"{name}.{part}", inputs, outputs, WeightOrder.OutputFirst, config.FeedForwardBias);
            register_module(part, projection);
            return projection;
        }
    }

    /// <summary>Maps rows [R, D] to [R, D].</summary>
    public Tensor Forward(Tensor x, ForwardPass pass) =>
        _down.Forward(FusedActivations.SwiGlu(_gate.Forward(x, pass, pass.Needed), _up.Forward(x, pass, pass.Needed)), pass, pass.Needed);
}
