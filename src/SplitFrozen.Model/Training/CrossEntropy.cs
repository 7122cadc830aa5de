using SplitFrozen.Domain.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>Cross-entropy of a softmax in closed form.</summary>
internal static class CrossEntropy
{
    /// <summary>Scores logits; sums are in double precision.</summary>
    /// <param name="logits">[R, K].</param>
    /// <param name="targets">[R], int64.</param>
    /// <returns>The score, and each row's log of the sum of exponentials [R, 1].</returns>
    public static (TargetScore Score, Tensor LogSum) Score(Tensor logits, Tensor targets)
    {
        var logSum = logits.logsumexp(1, keepdim: true);
        var losses = logSum.sub(logits.gather(1, targets.unsqueeze(1)));
        double lossSum = losses.sum(ScalarType.Float64).item<double>();
        long correct = logits.argmax(1).eq(targets).sum().item<long>();
        return (new TargetScore(lossSum, targets.shape[0], correct), logSum);
    }

    /// <summary>The gradient of the sum of losses with respect to the logits, softmax − one-hot, in the logits' memory.</summary>
    public static Tensor GradientInPlace(Tensor logits, Tensor logSum, Tensor targets)
    {
        var column = targets.unsqueeze(1);
        using Scalar minusOne = -1;
        return logits.sub_(logSum).exp_().scatter_add_(1, column, torch.full_like(column, minusOne, dtype: ScalarType.Float32));
    }
}
