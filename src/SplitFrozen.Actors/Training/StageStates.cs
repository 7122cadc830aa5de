using SplitFrozen.Domain.Models;

namespace SplitFrozen.Actors.Training;

/// <summary>Adapter and optimiser of a stage.</summary>
internal sealed record StageState(IReadOnlyList<TensorData> Adapter, IReadOnlyList<TensorData> Optimizer);

/// <summary>Where a stage keeps its state after each optimiser step, beyond a fault of its actor and of its node. Thread-safe.</summary>
internal interface IStageStates
{
    /// <summary>Keeps the state of a stage after so many steps.</summary>
    void Keep(int stage, int steps, StageState state);

    /// <summary>The state of a stage after so many steps, or null while it is not here.</summary>
    StageState? After(int stage, int steps);
}

/// <summary>
/// The states of all stages, on the main server node: checkpoints are made of them, and stages go back to them. The last two of each stage, since a fault may
/// come when some stages have made a step and others not.
/// </summary>
internal sealed class StageVault : IStageStates
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(int Stage, int Steps), StageState> _states = [];

    /// <inheritdoc/>
    public void Keep(int stage, int steps, StageState state)
    {
        lock (_gate)
        {
            _states[(stage, steps)] = state;
            _states.Remove((stage, steps - 2));
        }
    }

    /// <inheritdoc/>
    public StageState? After(int stage, int steps)
    {
        lock (_gate)
        {
            return _states.GetValueOrDefault((stage, steps));
        }
    }

    /// <summary>Whether the states of all stages after so many steps are here.</summary>
    public bool HasAll(int stages, int steps) => Enumerable.Range(0, stages).All(stage => After(stage, steps) is not null);

    /// <summary>What all stages have together after so many steps. What they have alike, as the optimiser's step count, is there once.</summary>
    /// <exception cref="InvalidOperationException">A state is not here.</exception>
    public StageState Whole(int stages, int steps)
    {
        var states = Enumerable.Range(0, stages)
            .Select(stage => After(stage, steps) ?? throw new InvalidOperationException($"The state of stage {stage} after {steps} steps is not here.")).ToList();
        return new StageState(
            [.. states.SelectMany(s => s.Adapter).DistinctBy(t => t.Name)], [.. states.SelectMany(s => s.Optimizer).DistinctBy(t => t.Name)]);
    }
}

/// <summary>The states of stages on another server node: sent to the main one after each step, and got from there when a stage is to go back.</summary>
internal sealed class SentStates(Action<int, int, StageState> send) : IStageStates
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, (int Steps, StageState State)> _arrived = [];

    /// <inheritdoc/>
    public void Keep(int stage, int steps, StageState state) => send(stage, steps, state);

    /// <inheritdoc/>
    public StageState? After(int stage, int steps)
    {
        lock (_gate)
        {
            return _arrived.TryGetValue(stage, out var arrived) && arrived.Steps == steps ? arrived.State : null;
        }
    }

    /// <summary>A state came from the main server node.</summary>
    public void Arrived(int stage, int steps, StageState state)
    {
        lock (_gate)
        {
            _arrived[stage] = (steps, state);
        }
    }
}
