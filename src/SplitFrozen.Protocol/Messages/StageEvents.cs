namespace SplitFrozen.Protocol.Messages;

/// <summary>What trainer stages tell the coordinator.</summary>
public static class StageEvents
{
    /// <summary>An event of one stage in one generation.</summary>
    public interface IStageEvent : IWireMessage, IValidated
    {
        /// <summary>Place of the stage, from 0.</summary>
        int Stage { get; }

        /// <summary>The generation.</summary>
        int Generation { get; }
    }

    /// <summary>The stage's blocks are loaded.</summary>
    public sealed record Loaded(int Stage, int Generation, long TrainableParameters) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage) ?? (TrainableParameters < 0 ? "a count is negative" : null);
    }

    /// <summary>The stage cannot be loaded.</summary>
    /// <param name="Stage">The stage.</param>
    /// <param name="Generation">The generation.</param>
    /// <param name="Reason">What is wrong and what to do, for a person.</param>
    public sealed record LoadFailed(int Stage, int Generation, string Reason) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage) ?? (Reason is null ? "a reason is missing" : null);
    }

    /// <summary>Rows that an F (activations) or a B (gradients) needs are here.</summary>
    public sealed record InputArrived(int Stage, int Generation, MicroBatchId Id, bool IsGradient) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage);
    }

    /// <summary>F, B or W is done.</summary>
    /// <param name="Stage">The stage.</param>
    /// <param name="Generation">The generation.</param>
    /// <param name="Seconds">Time it took.</param>
    /// <param name="Overran">Whether it took longer than the stage's emulated profile allows.</param>
    /// <param name="LossSum">F of the last stage: sum of cross-entropies in nats; else 0.</param>
    /// <param name="Targets">F of the last stage: targets of the sum; else 0.</param>
    /// <param name="Correct">F of the last stage: targets that the largest logit names; else 0.</param>
    public sealed record OperationDone(int Stage, int Generation, double Seconds, bool Overran, double LossSum, long Targets, long Correct) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage) ?? OfSeconds(Seconds) ?? (Targets < 0 || Correct < 0 ? "a count is negative" : null);
    }

    /// <summary>Squares of the gradients, in the order of the stage's blocks.</summary>
    public sealed record GradientsRead(int Stage, int Generation, double[] Squares) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage) ?? (Squares is null ? "the squares are missing" : null);
    }

    /// <summary>The optimiser's step is made.</summary>
    public sealed record Stepped(int Stage, int Generation, double Seconds) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage) ?? OfSeconds(Seconds);
    }

    /// <summary>A held-out batch is scored: from the last stage.</summary>
    /// <param name="Stage">The stage.</param>
    /// <param name="Generation">The generation.</param>
    /// <param name="Index">Place of the batch in its set.</param>
    /// <param name="LossSum">Sum of cross-entropies in nats.</param>
    /// <param name="Targets">Targets of the sum.</param>
    /// <param name="Correct">Targets that the largest logit names.</param>
    /// <param name="Labels">Number of labels of a classification, or 0: predictions were not counted.</param>
    /// <param name="Actual">The label of each sample, in any order; empty without counts.</param>
    /// <param name="Predicted">The label predicted for each.</param>
    public sealed record Scored(
        int Stage, int Generation, int Index, double LossSum, long Targets, long Correct, int Labels, int[] Actual, int[] Predicted) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() =>
            OfStage(Stage) ?? Faults.Range("index", Index, 0, int.MaxValue) ?? (Targets < 0 || Correct < 0 ? "a count is negative" : null)
            ?? (Actual is null || Predicted is null || Actual.Length != Predicted.Length ? "labels and predictions do not fit each other" : null)
            ?? (Array.TrueForAll(Actual!, IsLabel) && Array.TrueForAll(Predicted!, IsLabel) ? null : "a label is out of range");

        private bool IsLabel(int label) => label >= 0 && label < Labels;
    }

    /// <summary>The stage was started again after a fault and waits for a new generation.</summary>
    /// <param name="Stage">The stage.</param>
    /// <param name="Generation">The generation it was in.</param>
    /// <param name="Reason">The fault.</param>
    public sealed record Restarted(int Stage, int Generation, string Reason) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage) ?? (Reason is null ? "a reason is missing" : null);
    }

    /// <summary>The stage is in the new generation.</summary>
    public sealed record ResetDone(int Stage, int Generation) : IStageEvent
    {
        /// <inheritdoc/>
        public string? Fault() => OfStage(Stage);
    }

    private static string? OfStage(int stage) => Faults.Range("stage", stage, 0, 10_000);

    private static string? OfSeconds(double seconds) => double.IsFinite(seconds) && seconds >= 0 ? null : "a time is not a number of seconds";
}
