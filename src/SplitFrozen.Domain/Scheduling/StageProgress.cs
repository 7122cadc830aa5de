namespace SplitFrozen.Domain.Scheduling;

/// <summary>
/// Plays the list of one stage. The list binds, but for W: up to <paramref name="pendingWeights"/> of them may be put off beyond their place, until the
/// stage would wait for inputs or more are pending. They are run in the order of micro-batches all the same, so that gradients add up alike.
/// </summary>
/// <param name="list">What the stage does.</param>
/// <param name="pendingWeights">W that may be put off; with 0 the list is played as it stands.</param>
public sealed class StageProgress(IReadOnlyList<Operation> list, int pendingWeights)
{
    private readonly Queue<Operation> _pending = [];
    private int _next;

    /// <summary>Whether every operation was started.</summary>
    public bool IsDone => _next == list.Count && _pending.Count == 0;

    /// <summary>Micro-batches whose activations are held: F started, W not yet.</summary>
    public int Held { get; private set; }

    /// <summary>Starts the operation that is next.</summary>
    /// <param name="isReady">Whether the inputs of an F or B are there.</param>
    /// <returns>Null when the stage must wait, or has nothing left to do.</returns>
    public Operation? Start(Func<Operation, bool> isReady)
    {
        PutOff();
        if (_pending.Count > pendingWeights || _next == list.Count || !isReady(list[_next]))
        {
            return _pending.TryDequeue(out var weights) ? Note(weights) : null;
        }

        return Note(list[_next++]);
    }

    private void PutOff()
    {
        while (_next < list.Count && list[_next].Kind == OperationKind.BackwardWeights && _pending.Count <= pendingWeights)
        {
            _pending.Enqueue(list[_next++]);
        }
    }

    private Operation Note(Operation operation)
    {
        Held += operation.Kind switch
        {
            OperationKind.Forward => 1,
            OperationKind.BackwardWeights => -1,
            _ => 0,
        };
        return operation;
    }
}
