using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Gpt2;

/// <summary>Two linear modules with a GELU between them.</summary>
internal sealed class Gpt2FeedForward : nn.Module
{
    private readonly Projection _inner;
    private readonly Projection _output;
    private readonly bool _isTanh;

    /// <summary>Loads <c>name.c_fc</c> and <c>name.c_proj</c>.</summary>
    public Gpt2FeedForward(WeightStore weights, string name, Gpt2Config config) : base(nameof(Gpt2FeedForward))
    {
        _isTanh = config.Activation == GeluKind.Tanh;
        _inner = new Projection(weights, $"{name}.c_fc", config.Width, config.FeedForward, WeightOrder.InputFirst, bias: true);
        _output = new Projection(weights, $"{name}.c_proj", config.FeedForward, config.Width, WeightOrder.InputFirst, bias: true);
        register_module("c_fc", _inner);
        register_module("c_proj", _output);
    }

    /// <summary>Maps rows [R, D] to [R, D].</summary>
    public Tensor Forward(Tensor x, ForwardPass pass) => _output.Forward(Inner(x, pass), pass, pass.Needed);

    private Tensor Inner(Tensor x, ForwardPass pass) => _isTanh
        ? FusedActivations.GeluTanh(_inner.ForwardUnbiased(x, pass, pass.Needed), _inner.Bias!)
        : nn.functional.gelu(_inner.Forward(x, pass, pass.Needed), GELU.Approximate.none, inplace: pass.Tape is null);
}
