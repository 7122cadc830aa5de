using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Plays the static operation lists of one global batch, and collects what the operations found.</summary>
internal sealed class BatchRunner(PipelineSchedule schedule, int pendingWeights)
{
    private readonly PipelineProgress _progress = new(schedule, pendingWeights);

    /// <summary>Whether all operations of all stages are done.</summary>
    public bool IsDone => _progress.IsDone;

    /// <summary>Whether no stage runs anything, though not all is done: all wait for inputs.</summary>
    public bool IsWaiting => !_progress.IsRunning && !IsDone;

    /// <summary>Sum over the micro-batches run forward.</summary>
    public TargetScore Score { get; private set; }

    /// <summary>Rows that an operation needs are at its stage.</summary>
    public void Arrived(int stage, Operation operation) => _progress.Arrived(stage, operation);

    /// <summary>Whether the first stage has started this F and waits for its micro-batch.</summary>
    public bool Awaits(int microBatch) => _progress.Running(0) == new Operation(OperationKind.Forward, microBatch);

    /// <summary>Starts a stage's next operation, or gives null when it is busy, has none left or waits.</summary>
    public Operation? Start(int stage) => _progress.Start(stage);

    /// <summary>Whether a stage's gradient goes down right after this operation.</summary>
    public bool SendsGradient(OperationKind kind) => schedule.GradientAfter == kind;

    /// <summary>The operation that a stage runs is done.</summary>
    public Operation Done(int stage, TargetScore score)
    {
        Score += score;
        return _progress.Done(stage);
    }
}
