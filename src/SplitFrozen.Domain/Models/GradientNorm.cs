namespace SplitFrozen.Domain.Models;

/// <summary>The norm of the gradients of all stages.</summary>
public static class GradientNorm
{
    /// <summary>
    /// The L2 norm over all trainable numbers of the gradient of the <em>mean</em> loss. The sums are added in the order of the blocks, so that p
    /// stages give the bits that one stage gives.
    /// </summary>
    /// <param name="squares">What <see cref="ITrainerStage.GradientSquares"/> gave, the stages' lists one after another in the order of the blocks.</param>
    /// <param name="targets">Targets of the global batch, at least 1.</param>
    public static double Of(IEnumerable<double> squares, long targets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(targets, 1);
        return Math.Sqrt(squares.Aggregate(0.0, (sum, square) => sum + square)) / targets;
    }
}
