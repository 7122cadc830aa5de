namespace SplitFrozen.Domain.Scheduling;

/// <summary>
/// The ZB-H1 order (Qi et al. 2024, "Zero Bubble Pipeline Parallelism"): stage r of p runs p − 1 − r forwards ahead, then one F and one B in turn,
/// and W of a micro-batch r micro-batches after its B, so that at most p micro-batches' activations are held.
/// </summary>
public static class ZbH1
{
    /// <summary>The operation lists of all stages.</summary>
    /// <param name="stages">Number of stages p, at least 1.</param>
    /// <param name="microBatches">Micro-batches of a global batch m, at least 1.</param>
    public static IReadOnlyList<IReadOnlyList<Operation>> Stages(int stages, int microBatches)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stages, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(microBatches, 1);
        return [.. Enumerable.Range(0, stages).Select(r => Stage(r, stages, microBatches))];
    }

    private static List<Operation> Stage(int r, int p, int m)
    {
        // With fewer micro-batches than stages there is nothing more to run ahead with.
        var ahead = Math.Min(m, p - 1 - r);
        var list = new List<Operation>(3 * m);
        var (f, b, w) = (0, 0, 0);
        while (f < ahead)
        {
            list.Add(new Operation(OperationKind.Forward, f++));
        }

        while (b < m)
        {
            if (f < m)
            {
                list.Add(new Operation(OperationKind.Forward, f++));
            }

            list.Add(new Operation(OperationKind.BackwardInput, b++));
            if (b - w > r)
            {
                list.Add(new Operation(OperationKind.BackwardWeights, w++));
            }
        }

        while (w < m)
        {
            list.Add(new Operation(OperationKind.BackwardWeights, w++));
        }

        return list;
    }
}
