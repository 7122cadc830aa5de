namespace SplitFrozen.Domain.Scheduling;

/// <summary>What a trainer stage does with a micro-batch.</summary>
public enum OperationKind
{
    /// <summary>F: forward.</summary>
    Forward,

    /// <summary>B: gradients with respect to activations.</summary>
    BackwardInput,

    /// <summary>W: gradients of trained weights.</summary>
    BackwardWeights,
}

/// <summary>One operation of a stage's list.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="MicroBatch">Place of the micro-batch in its global batch, from 0.</param>
public readonly record struct Operation(OperationKind Kind, int MicroBatch)
{
    /// <summary>F0, B0, W0 and so on.</summary>
    public override string ToString() => $"{(Kind == OperationKind.Forward ? 'F' : Kind == OperationKind.BackwardInput ? 'B' : 'W')}{MicroBatch}";
}
