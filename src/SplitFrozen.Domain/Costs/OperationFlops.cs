namespace SplitFrozen.Domain.Costs;

/// <summary>Floating-point operations of F, B and W; a multiply-add counts two.</summary>
/// <param name="Forward">F.</param>
/// <param name="BackwardInput">B.</param>
/// <param name="BackwardWeights">W.</param>
public readonly record struct OperationFlops(double Forward, double BackwardInput, double BackwardWeights)
{
    /// <summary>All three.</summary>
    public double Total => Forward + BackwardInput + BackwardWeights;

    /// <summary>Adds two.</summary>
    public static OperationFlops operator +(OperationFlops a, OperationFlops b) =>
        new(a.Forward + b.Forward, a.BackwardInput + b.BackwardInput, a.BackwardWeights + b.BackwardWeights);
}
