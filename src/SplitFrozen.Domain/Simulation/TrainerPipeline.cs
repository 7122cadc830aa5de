using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Domain.Simulation;

/// <summary>
/// Plays the operation lists of one global batch on p stages, as far as their inputs are there: F(r, j) needs F(r − 1, j), or its micro-batch at stage 0; B(r, j) needs B(r + 1, j);
/// W(r, j) needs B(r, j).
/// </summary>
internal sealed class TrainerPipeline
{
    private readonly int _stages;
    private readonly Dictionary<int, IReadOnlyList<IReadOnlyList<Operation>>> _lists = [];
    private readonly int[] _next;
    private IReadOnlyList<IReadOnlyList<Operation>> _current = [];
    private bool[,] _forward = new bool[0, 0];
    private bool[,] _backward = new bool[0, 0];
    private int _left;

    public TrainerPipeline(int stages)
    {
        _stages = stages;
        _next = new int[stages];
    }

    /// <summary>Whether every stage has done its list.</summary>
    public bool IsDone => _left == 0;

    /// <summary>Begins a global batch of so many micro-batches.</summary>
    public void Begin(int microBatches)
    {
        if (!_lists.TryGetValue(microBatches, out var lists))
        {
            _lists[microBatches] = lists = PipelineSchedule.Create(ScheduleKind.ZbH1, _stages, microBatches).Stages;
        }

        _current = lists;
        _left = lists.Sum(l => l.Count);
        Array.Clear(_next);
        (_forward, _backward) = (new bool[_stages, microBatches], new bool[_stages, microBatches]);
    }

    /// <summary>A stage's next operation, if its inputs are there.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="book">Says which micro-batches are at the frozen line.</param>
    /// <param name="batch">The batch.</param>
    public Operation? Next(int stage, EpochBook book, int batch)
    {
        if (_next[stage] == _current[stage].Count)
        {
            return null;
        }

        var operation = _current[stage][_next[stage]];
        var j = operation.MicroBatch;
        var hasInputs = operation.Kind switch
        {
            OperationKind.Forward => stage == 0 ? book.IsReady(batch, j) : _forward[stage - 1, j],
            OperationKind.BackwardInput => stage == _stages - 1 ? _forward[stage, j] : _backward[stage + 1, j],
            _ => _backward[stage, j],
        };
        return hasInputs ? operation : null;
    }

    /// <summary>A stage has done its next operation.</summary>
    public void Done(int stage)
    {
        var operation = _current[stage][_next[stage]++];
        _left--;
        if (operation.Kind == OperationKind.Forward)
        {
            _forward[stage, operation.MicroBatch] = true;
        }
        else if (operation.Kind == OperationKind.BackwardInput)
        {
            _backward[stage, operation.MicroBatch] = true;
        }
    }
}
