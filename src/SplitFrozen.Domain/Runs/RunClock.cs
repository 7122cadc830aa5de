using System.Diagnostics;

using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Domain.Runs;

/// <summary>Adds up where a run's time goes.</summary>
/// <param name="trace">Gets every operation, or null.</param>
public sealed class RunClock(RunTrace? trace = null)
{
    private const string Trainer = "server: trainer";
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Dictionary<OperationKind, double> _operations = [];
    private double _catchUp;
    private double _step;
    private double _evaluation;
    private double _idle;
    private long? _idleSince;

    /// <summary>Seconds since the clock was made.</summary>
    public double WallSeconds => Stopwatch.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Frozen blocks were completed on the server.</summary>
    public void CatchUp(double seconds)
    {
        _catchUp += seconds;
        if (seconds > 0)
        {
            trace?.Ended("server: catch-up", "catch-up", seconds);
        }
    }

    /// <summary>F, B or W was run.</summary>
    public void Operation(OperationKind kind, double seconds)
    {
        _operations[kind] = _operations.GetValueOrDefault(kind) + seconds;
        trace?.Ended(Trainer, kind == OperationKind.Forward ? "F" : kind == OperationKind.BackwardInput ? "B" : "W", seconds);
    }

    /// <summary>The optimiser made a step.</summary>
    public void Step(double seconds)
    {
        _step += seconds;
        trace?.Ended(Trainer, "step", seconds);
    }

    /// <summary>A held-out set was run or scored.</summary>
    public void Evaluation(double seconds)
    {
        _evaluation += seconds;
        trace?.Ended(Trainer, "evaluation", seconds);
    }

    /// <summary>How long the trainer has had nothing to do, or null where it works.</summary>
    public TimeSpan? Waiting => _idleSince is { } since ? Stopwatch.GetElapsedTime(since) : null;

    /// <summary>The trainer has nothing to do until more activations arrive.</summary>
    public void Idle() => _idleSince ??= Stopwatch.GetTimestamp();

    /// <summary>The trainer works again.</summary>
    public void Busy()
    {
        if (_idleSince is { } since)
        {
            var waited = Stopwatch.GetElapsedTime(since).TotalSeconds;
            _idle += waited;
            trace?.Ended(Trainer, RunTrace.Waiting, waited);
            _idleSince = null;
        }
    }

    /// <summary>What was added up.</summary>
    public StageSeconds Stages => new(
        _catchUp, Of(OperationKind.Forward), Of(OperationKind.BackwardInput), Of(OperationKind.BackwardWeights), _step, _evaluation, _idle);

    private double Of(OperationKind kind) => _operations.GetValueOrDefault(kind);
}
