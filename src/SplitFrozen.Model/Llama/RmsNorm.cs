using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>x / rms(x) times a gain (Zhang and Sennrich 2019), frozen.</summary>
internal sealed class RmsNorm : Norm
{
    private readonly Parameter _weight;
    private readonly double _epsilon;

    /// <summary>Loads <c>name.weight</c>.</summary>
    public RmsNorm(WeightStore weights, string name, int width, double epsilon) : base(nameof(RmsNorm))
    {
        _epsilon = epsilon;
        _weight = new Parameter(weights.Load($"{name}.weight", width), requires_grad: false);
        register_parameter("weight", _weight);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        if (RmsNormFunction.Takes(x))
        {
            return RmsNormFunction.Run(x, _weight, _epsilon);
        }

        using Scalar epsilon = _epsilon;
        return x.mul(x.mul(x).mean([-1L], keepdim: true).add_(epsilon, Numbers.One).rsqrt_()).mul_(_weight);
    }
}
