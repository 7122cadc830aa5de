namespace SplitFrozen.Domain.Scheduling;

/// <summary>
/// What each stage of a pipeline does with the micro-batches of one global batch, as static lists: a stage runs its list in order, each operation as soon as its
/// inputs are there. F(r, j) needs F(r − 1, j); B(r, j) needs the gradient of stage r + 1; W(r, j) needs B(r, j).
/// </summary>
/// <param name="Kind">The order.</param>
/// <param name="MicroBatches">Micro-batches m of the global batch.</param>
/// <param name="Stages">A list for each of the p stages, from the lowest.</param>
public sealed record PipelineSchedule(ScheduleKind Kind, int MicroBatches, IReadOnlyList<IReadOnlyList<Operation>> Stages)
{
    /// <summary>
    /// Whether a stage's gradient goes to the stage below right after its B. The orders that do not part B from W send it after W, as one backward
    /// pass does; the published bubbles of those orders hold for that.
    /// </summary>
    public bool SplitsBackward => Kind == ScheduleKind.ZbH1;

    /// <summary>The operation of stage r + 1 after which stage r has the gradient that its B needs.</summary>
    public OperationKind GradientAfter => SplitsBackward ? OperationKind.BackwardInput : OperationKind.BackwardWeights;

    /// <summary>The lists of all stages.</summary>
    /// <param name="kind">The order.</param>
    /// <param name="stages">Number of stages p, at least 1.</param>
    /// <param name="microBatches">Micro-batches of a global batch m, at least 1.</param>
    public static PipelineSchedule Create(ScheduleKind kind, int stages, int microBatches)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stages, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(microBatches, 1);
        return new PipelineSchedule(kind, microBatches, [.. Enumerable.Range(0, stages).Select(r => Stage(kind, r, stages, microBatches))]);
    }

    /// <summary>Micro-batches of which a stage may hold activations at once: F done, W not yet.</summary>
    public int MemoryBound => Kind switch
    {
        ScheduleKind.Sequential => 1,
        ScheduleKind.GPipe => MicroBatches,
        _ => Math.Min(Stages.Count, MicroBatches),
    };

    private static List<Operation> Stage(ScheduleKind kind, int r, int p, int m) => kind switch
    {
        ScheduleKind.Sequential => Alternate(ahead: 0, delay: 0, m),
        ScheduleKind.GPipe => Alternate(ahead: m, delay: 0, m),
        ScheduleKind.OneForwardOneBackward => Alternate(p - 1 - r, delay: 0, m),
        ScheduleKind.ZbH1 => Alternate(p - 1 - r, delay: r, m),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such order."),
    };

    /// <summary>
    /// Runs <paramref name="ahead"/> forwards, then one F and one B in turn; W of a micro-batch comes after the B that is <paramref name="delay"/>
    /// micro-batches later.
    /// </summary>
    private static List<Operation> Alternate(int ahead, int delay, int m)
    {
        var list = new List<Operation>(3 * m);
        var (f, b, w) = (0, 0, 0);

        // With fewer micro-batches than stages there is nothing more to run ahead with.
        while (f < Math.Min(m, ahead))
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
            if (b - w > delay)
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
