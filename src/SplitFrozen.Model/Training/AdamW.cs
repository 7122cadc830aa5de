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
        using var factors = new StepFactors(learningRate, _weightDecay, Steps);
        var values = _set.Groups(_set.Values);
        var gradients = _set.Groups(_set.Gradients);
        var means = _set.Groups(Means);
        var variances = _set.Groups(Variances);
        for (int i = 0; i < values.Length; i++)
        {
            Step(factors, values[i], gradients[i], means[i], variances[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Means.Dispose();
        Variances.Dispose();
    }

    private static void Step(StepFactors factors, Tensor values, Tensor gradients, Tensor means, Tensor variances)
    {
        values.mul_(factors.Decay);
        means.mul_(factors.Beta1).add_(gradients, factors.OneLessBeta1);
        variances.mul_(factors.Beta2).addcmul_(gradients, gradients, factors.OneLessBeta2);
        var deviation = variances.sqrt().div_(factors.Correction).add_(factors.Epsilon, Numbers.One);
        values.addcdiv_(means, deviation, factors.Rate);
    }

    /// <summary>
    /// The numbers of a step as the native library has them. A number that is handed over as such becomes an object that nothing keeps alive while the native
    /// function reads it: the finaliser may free it in between.
    /// </summary>
    private sealed class StepFactors(double learningRate, double weightDecay, long steps) : IDisposable
    {
        public Scalar Decay { get; } = 1 - (learningRate * weightDecay);

        public Scalar Beta1 { get; } = AdamW.Beta1;

        public Scalar OneLessBeta1 { get; } = 1 - AdamW.Beta1;

        public Scalar Beta2 { get; } = AdamW.Beta2;

        public Scalar OneLessBeta2 { get; } = 1 - AdamW.Beta2;

        public Scalar Correction { get; } = Math.Sqrt(1 - Math.Pow(AdamW.Beta2, steps));

        public Scalar Epsilon { get; } = AdamW.Epsilon;

        public Scalar Rate { get; } = -learningRate / (1 - Math.Pow(AdamW.Beta1, steps));

        public void Dispose()
        {
            foreach (var number in (Scalar[])[Decay, Beta1, OneLessBeta1, Beta2, OneLessBeta2, Correction, Epsilon, Rate])
            {
                number.Dispose();
            }
        }
    }
}
