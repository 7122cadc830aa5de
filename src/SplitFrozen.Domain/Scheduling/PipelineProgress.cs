namespace SplitFrozen.Domain.Scheduling;

/// <summary>
/// Plays the lists of all stages of one global batch: says what each stage runs next, given which inputs have arrived. Each stage runs one operation at
/// a time. The coordinator and the timed replay both go by it.
/// </summary>
public sealed class PipelineProgress
{
    private readonly PipelineSchedule _schedule;
    private readonly StageProgress[] _stages;
    private readonly Operation?[] _running;
    private readonly HashSet<(int Stage, Operation Operation)> _arrived = [];

    /// <summary>A global batch of which nothing has run.</summary>
    /// <param name="schedule">The lists.</param>
    /// <param name="pendingWeights">W that a stage may put off, see <see cref="StageProgress"/>.</param>
    public PipelineProgress(PipelineSchedule schedule, int pendingWeights = 0)
    {
        _schedule = schedule;
        _stages = [.. schedule.Stages.Select(list => new StageProgress(list, pendingWeights))];
        _running = new Operation?[_stages.Length];
    }

    /// <summary>Number of stages p.</summary>
    public int Stages => _stages.Length;

    /// <summary>Whether every operation of every stage is done.</summary>
    public bool IsDone => Array.TrueForAll(_stages, s => s.IsDone) && Array.TrueForAll(_running, o => o is null);

    /// <summary>Whether any stage runs an operation.</summary>
    public bool IsRunning => Array.Exists(_running, o => o is not null);

    /// <summary>What a stage runs, or null.</summary>
    public Operation? Running(int stage) => _running[stage];

    /// <summary>Micro-batches whose activations a stage holds.</summary>
    public int Held(int stage) => _stages[stage].Held;

    /// <summary>The inputs of an F (activations) or a B (gradients) are at a stage. The last stage's B needs none but its own F.</summary>
    public void Arrived(int stage, Operation operation) => _arrived.Add((stage, operation));

    /// <summary>Starts a stage's next operation.</summary>
    /// <returns>Null when the stage is busy, has nothing left to do, or waits for inputs.</returns>
    public Operation? Start(int stage) =>
        _running[stage] is null ? _running[stage] = _stages[stage].Start(o => IsReady(stage, o)) : null;

    /// <summary>The operation that a stage runs is done.</summary>
    /// <returns>Which it was.</returns>
    /// <exception cref="InvalidOperationException">The stage runs none.</exception>
    public Operation Done(int stage)
    {
        var operation = _running[stage] ?? throw new InvalidOperationException($"Stage {stage} runs nothing that could be done.");
        _running[stage] = null;
        return operation;
    }

    /// <summary>Which operation of the stage above has its inputs after this one of <paramref name="stage"/>, or null.</summary>
    public Operation? Above(int stage, Operation operation) =>
        operation.Kind == OperationKind.Forward && stage + 1 < Stages ? operation : null;

    /// <summary>Which operation of the stage below has its inputs after this one of <paramref name="stage"/>, or null.</summary>
    public Operation? Below(int stage, Operation operation) =>
        operation.Kind == _schedule.GradientAfter && stage > 0 ? operation with { Kind = OperationKind.BackwardInput } : null;

    private bool IsReady(int stage, Operation operation) =>
        (operation.Kind == OperationKind.BackwardInput && stage == Stages - 1) || _arrived.Contains((stage, operation));
}
