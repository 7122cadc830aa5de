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
        var values = _set.Groups(_set.Values);
        var gradients = _set.Groups(_set.Gradients);
        var means = _set.Groups(Means);
        var variances = _set.Groups(Variances);
        for (int i = 0; i < values.Length; i++)
        {
            Step(learningRate, values[i], gradients[i], means[i], variances[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Means.Dispose();
        Variances.Dispose();
    }

    private void Step(double learningRate, Tensor values, Tensor gradients, Tensor means, Tensor variances)
    {
        values.mul_(1 - (learningRate * _weightDecay));
        means.mul_(Beta1).add_(gradients, 1 - Beta1);
        variances.mul_(Beta2).addcmul_(gradients, gradients, 1 - Beta2);
        var deviation = variances.sqrt().div_(Math.Sqrt(1 - Math.Pow(Beta2, Steps))).add_(Epsilon);
        values.addcdiv_(means, deviation, -learningRate / (1 - Math.Pow(Beta1, Steps)));
    }
}
