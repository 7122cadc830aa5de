using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Gpt2;

/// <summary>LayerNorm with gain and bias (Ba et al. 2016), frozen.</summary>
internal sealed class LayerNorm : Norm
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;
    private readonly long[] _shape;
    private readonly double _epsilon;

    /// <summary>Loads <c>name.weight</c> and <c>name.bias</c>.</summary>
    public LayerNorm(WeightStore weights, string name, int width, double epsilon) : base(nameof(LayerNorm))
    {
        _shape = [width];
        _epsilon = epsilon;
        _weight = new Parameter(weights.Load($"{name}.weight", width), requires_grad: false);
        _bias = new Parameter(weights.Load($"{name}.bias", width), requires_grad: false);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => nn.functional.layer_norm(x, _shape, _weight, _bias, _epsilon);
}
