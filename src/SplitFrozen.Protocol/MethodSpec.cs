namespace SplitFrozen.Protocol;

/// <summary>What devices that train are told beside the run's specification: of the methods in which they do.</summary>
/// <param name="Name">The method: fedlora or splitlora.</param>
/// <param name="Stage">The blocks that a device holds, and how it trains them.</param>
/// <param name="FreezeA">Whether the adapters' A stay as drawn.</param>
/// <param name="KeepOptimizer">Whether a device goes on with its optimiser's state from round to round.</param>
/// <param name="BatchSize">Samples of a batch.</param>
/// <param name="MicroBatchSize">Samples of a micro-batch.</param>
/// <param name="Order">How a device puts its samples into order, as the configuration writes it (splitfrozen.training.order).</param>
/// <param name="MaxFrameBytes">Largest frame that a device takes.</param>
public sealed record MethodSpec(
    string Name, StageSpec Stage, bool FreezeA, bool KeepOptimizer, int BatchSize, int MicroBatchSize, string Order, int MaxFrameBytes) : IValidated
{
    /// <inheritdoc/>
    public string? Fault() =>
        (Name is null || Stage is null || Order is null ? "a field is missing" : Stage.Fault())
        ?? Faults.Range("batch-size", BatchSize, 1, 1_000_000) ?? Faults.Range("micro-batch-size", MicroBatchSize, 1, BatchSize)
        ?? Faults.Range("max-frame-bytes", MaxFrameBytes, 1, int.MaxValue);
}
