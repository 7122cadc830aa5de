using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>AdamW (Loshchilov and Hutter 2019) with torch's defaults and order of operations: betas 0.9 and 0.999, epsilon 1e-8, decoupled weight decay.</summary>
internal sealed class AdamW : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;

    private readonly TrainableSet _set;
    private readonly double _weightDecay;

    /// <summary>An optimiser of a set, at step 0.</summary>
    public AdamW(TrainableSet set, double weightDecay)
    {
        _set = set;
        _weightDecay = weightDecay;
        Means = torch.zeros_like(set.Values).DetachFromDisposeScope();
        Variances = torch.zeros_like(set.Values).DetachFromDisposeScope();
    }

    /// <summary>Steps made.</summary>
    public long Steps { get; set; }

    /// <summary>Moving means of the gradients, flat.</summary>
    public Tensor Means { get; }

    /// <summary>Moving means of the squared gradients, flat.</summary>
    public Tensor Variances { get; }

    /// <summary>One step along the set's gradients.</summary>
    public void Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        Steps++;
        _set.Values.mul_(1 - (learningRate * _weightDecay));
        Means.mul_(Beta1).add_(_set.Gradients, 1 - Beta1);
        Variances.mul_(Beta2).addcmul_(_set.Gradients, _set.Gradients, 1 - Beta2);
        var deviation = Variances.sqrt().div_(Math.Sqrt(1 - Math.Pow(Beta2, Steps))).add_(Epsilon);
        _set.Values.addcdiv_(Means, deviation, -learningRate / (1 - Math.Pow(Beta1, Steps)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Means.Dispose();
        Variances.Dispose();
    }
}
