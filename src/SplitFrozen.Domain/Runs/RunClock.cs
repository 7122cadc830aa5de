using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Domain.Runs;

/// <summary>Adds up where a run's time goes.</summary>
/// <param name="trace">Gets every operation, or null.</param>
/// <param name="stages">Trainer stages, each a lane of the trace.</param>
/// <param name="time">The clock; null: the machine's.</param>
public sealed class RunClock(RunTrace? trace = null, int stages = 1, TimeProvider? time = null)
{
    /// <summary>Between the operations of a stage, what is shorter is the way of a message and no waiting.</summary>
    private const double LeastWait = 1e-3;

    private readonly double?[] _ended = new double?[stages];
    private const string Shuffle = "server: shuffle";
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly long _started = (time ?? TimeProvider.System).GetTimestamp();
    private readonly Dictionary<OperationKind, double> _operations = [];
    private double _catchUp;
    private double _step;
    private double _evaluation;
    private double _idle;
    private long? _idleSince;

    /// <summary>Seconds since the clock was made.</summary>
    public double WallSeconds => _time.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Frozen blocks were completed on the server.</summary>
    public void CatchUp(double seconds)
    {
        _catchUp += seconds;
        if (seconds > 0)
        {
            trace?.Ended("server: catch-up", "catch-up", seconds);
        }
    }

    /// <summary>A unit's samples were put where the plan has them.</summary>
    public void Placed(double seconds) => trace?.Ended(Shuffle, "place", seconds);

    /// <summary>A micro-batch was put together for the trainer.</summary>
    public void HandedOver(double seconds) => trace?.Ended(Shuffle, "hand over", seconds);

    /// <summary>F, B or W was run.</summary>
    public void Operation(OperationKind kind, double seconds, int stage = 0)
    {
        _operations[kind] = _operations.GetValueOrDefault(kind) + seconds;
        Trace(stage, kind == OperationKind.Forward ? "F" : kind == OperationKind.BackwardInput ? "B" : "W", seconds);
    }

    /// <summary>The optimiser made a step.</summary>
    public void Step(double seconds, int stage = 0)
    {
        _step += seconds;
        Trace(stage, "step", seconds);
    }

    /// <summary>A held-out set was run to the frozen line.</summary>
    public void Frozen(double seconds)
    {
        _evaluation += seconds;
        trace?.Ended("server: catch-up", "evaluation", seconds);
    }

    /// <summary>A held-out set was scored, by all stages.</summary>
    public void Evaluation(double seconds)
    {
        _evaluation += seconds;
        for (var stage = 0; stage < stages; stage++)
        {
            Trace(stage, "evaluation", seconds);
        }
    }

    /// <summary>How long the trainer has had nothing to do, or null where it works.</summary>
    public TimeSpan? Waiting => _idleSince is { } since ? _time.GetElapsedTime(since) : null;

    /// <summary>The trainer has nothing to do until more activations arrive.</summary>
    public void Idle() => _idleSince ??= _time.GetTimestamp();

    /// <summary>The trainer works again.</summary>
    public void Busy()
    {
        if (_idleSince is { } since)
        {
            _idle += _time.GetElapsedTime(since).TotalSeconds;
            _idleSince = null;
        }
    }

    /// <summary>What was added up.</summary>
    public StageSeconds Stages => new(
        _catchUp, Of(OperationKind.Forward), Of(OperationKind.BackwardInput), Of(OperationKind.BackwardWeights), _step, _evaluation, _idle);

    /// <summary>Notes what a stage has just done, and before it what it waited.</summary>
    private void Trace(int stage, string name, double seconds)
    {
        if (trace is null)
        {
            return;
        }

        var lane = stages == 1 ? "server: trainer" : $"server: trainer, stage {stage}";
        var now = WallSeconds;
        if (_ended[stage] is { } ended && now - seconds - ended is var waited && waited >= LeastWait)
        {
            trace.Ended(lane, RunTrace.Waiting, waited, ago: seconds);
        }

        trace.Ended(lane, name, seconds);
        _ended[stage] = now;
    }

    private double Of(OperationKind kind) => _operations.GetValueOrDefault(kind);
}
