namespace SplitFrozen.Domain.Scheduling;

/// <summary>Checks that lists can be played, and to what a stage holds meanwhile.</summary>
public static class ScheduleCheck
{
    /// <summary>What is wrong with a schedule, in words, or null: that every stage runs F, B and W of each micro-batch once and in this order, holds no more
    /// micro-batches than its bound, and that no stage waits for ever.</summary>
    public static string? Fault(PipelineSchedule schedule)
    {
        for (var stage = 0; stage < schedule.Stages.Count; stage++)
        {
            if (StageFault(schedule.Stages[stage], schedule.MicroBatches, schedule.MemoryBound) is { } fault)
            {
                return $"stage {stage}: {fault}";
            }
        }

        return Deadlock(schedule);
    }

    private static string? StageFault(IReadOnlyList<Operation> list, int microBatches, int bound)
    {
        var done = new OperationKind?[microBatches];
        var held = 0;
        foreach (var operation in list)
        {
            if (operation.MicroBatch < 0 || operation.MicroBatch >= microBatches)
            {
                return $"{operation} is of no micro-batch";
            }

            OperationKind? before = operation.Kind == OperationKind.Forward ? null : operation.Kind - 1;
            if (done[operation.MicroBatch] != before)
            {
                return $"{operation} is out of order or comes twice";
            }

            done[operation.MicroBatch] = operation.Kind;
            held += operation.Kind == OperationKind.Forward ? 1 : operation.Kind == OperationKind.BackwardWeights ? -1 : 0;
            if (held > bound)
            {
                return $"{held} micro-batches are held at {operation}, more than {bound}";
            }
        }

        var open = Array.FindIndex(done, d => d != OperationKind.BackwardWeights);
        return open >= 0 ? $"micro-batch {open} is not run to its W" : null;
    }

    private static string? Deadlock(PipelineSchedule schedule)
    {
        var progress = new PipelineProgress(schedule);
        for (var i = 0; i < schedule.MicroBatches; i++)
        {
            progress.Arrived(0, new Operation(OperationKind.Forward, i));
        }

        var ran = true;
        while (ran)
        {
            ran = false;
            for (var stage = 0; stage < progress.Stages; stage++)
            {
                while (progress.Start(stage) is { } operation)
                {
                    ran = true;
                    progress.Done(stage);
                    Deliver(progress, stage, operation);
                }
            }
        }

        return progress.IsDone ? null : "stages wait for each other for ever";
    }

    private static void Deliver(PipelineProgress progress, int stage, Operation operation)
    {
        if (progress.Above(stage, operation) is { } forward)
        {
            progress.Arrived(stage + 1, forward);
        }

        if (progress.Below(stage, operation) is { } backward)
        {
            progress.Arrived(stage - 1, backward);
        }
    }
}
