using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Plays the static operation list of one global batch: says what is next, and collects what the operations found.</summary>
internal sealed class BatchRunner(int microBatches)
{
    private readonly IReadOnlyList<Operation> _operations = PipelineSchedule.Create(ScheduleKind.ZbH1, stages: 1, microBatches).Stages[0];
    private int _next;

    /// <summary>The next operation, or null when all are done.</summary>
    public Operation? Next => _next < _operations.Count ? _operations[_next] : null;

    /// <summary>Sum over the micro-batches run forward.</summary>
    public TargetScore Score { get; private set; }

    /// <summary>The operation that was next is done.</summary>
    public void Done() => _next++;

    /// <summary>The forward operation that was next is done.</summary>
    public void Done(TargetScore score)
    {
        Score += score;
        _next++;
    }
}
