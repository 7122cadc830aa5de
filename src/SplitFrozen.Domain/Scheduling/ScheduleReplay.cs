namespace SplitFrozen.Domain.Scheduling;

/// <summary>Seconds that a stage takes for one micro-batch.</summary>
/// <param name="Forward">TF.</param>
/// <param name="BackwardInput">TB.</param>
/// <param name="BackwardWeights">TW.</param>
public readonly record struct StageTimes(double Forward, double BackwardInput, double BackwardWeights)
{
    /// <summary>The time of an operation.</summary>
    public double Of(OperationKind kind) => kind switch
    {
        OperationKind.Forward => Forward,
        OperationKind.BackwardInput => BackwardInput,
        _ => BackwardWeights,
    };
}

/// <summary>The link between two neighbouring stages, the same in both directions, which do not disturb each other.</summary>
/// <param name="Busy">Seconds that a micro-batch's activations or gradients keep it busy: bytes / rate.</param>
/// <param name="Latency">Seconds on top, which several may spend at once.</param>
public readonly record struct LinkTimes(double Busy, double Latency);

/// <summary>One operation in a replay.</summary>
/// <param name="Stage">The stage, from 0.</param>
/// <param name="Operation">What it ran.</param>
/// <param name="Start">Seconds from the beginning of the global batch.</param>
/// <param name="End">Likewise.</param>
public readonly record struct TimedOperation(int Stage, Operation Operation, double Start, double End);

/// <summary>What a replay of a schedule with given times comes to.</summary>
/// <param name="Operations">All operations, in the order of their starts.</param>
/// <param name="Makespan">Seconds from the first start to the last end.</param>
/// <param name="StageTime">The longest time from a stage's first start to its last end: what a global batch costs when one follows another.</param>
/// <param name="Bubbles">Seconds of <paramref name="StageTime"/> that each stage does not work.</param>
/// <param name="PeakActivations">Micro-batches of which each stage held activations at once.</param>
public sealed record ReplayResult(
    IReadOnlyList<TimedOperation> Operations, double Makespan, double StageTime, IReadOnlyList<double> Bubbles, IReadOnlyList<int> PeakActivations)
{
    /// <summary>Mean bubble of a stage in seconds. With equal stages, m ≥ p and TW ≤ min(TF, TB) this is (p − 1)(TF + TB + TW) for GPipe and 1F1B and
    /// (p − 1)(TF + TB − TW) for ZB-H1 (Qi et al. 2024, table 2).</summary>
    public double Bubble => Bubbles.Average();

    /// <summary>The bubble as a share of <see cref="StageTime"/>, from 0 to 1.</summary>
    public double BubbleShare => StageTime > 0 ? Bubble / StageTime : 0;
}

/// <summary>Plays a schedule in simulated time.</summary>
public sealed class ScheduleReplay
{
    private readonly PipelineProgress _progress;
    private readonly IReadOnlyList<StageTimes> _times;
    private readonly IReadOnlyList<LinkTimes> _links;
    private readonly PriorityQueue<(int Stage, Operation? Input), (double Time, long Number)> _events = new();
    private readonly List<TimedOperation> _played = [];
    private readonly double[] _upFree;
    private readonly double[] _downFree;
    private readonly int[] _peaks;
    private double _now;
    private long _number;

    private ScheduleReplay(PipelineSchedule schedule, IReadOnlyList<StageTimes> times, IReadOnlyList<LinkTimes> links, int pendingWeights)
    {
        _progress = new PipelineProgress(schedule, pendingWeights);
        (_times, _links) = (times, links);
        (_upFree, _downFree) = (new double[links.Count], new double[links.Count]);
        _peaks = new int[schedule.Stages.Count];
        for (var i = 0; i < schedule.MicroBatches; i++)
        {
            _progress.Arrived(0, new Operation(OperationKind.Forward, i));
        }
    }

    /// <summary>Plays a schedule on stages of equal times, with links that take none.</summary>
    public static ReplayResult Run(PipelineSchedule schedule, StageTimes times, int pendingWeights = 0) =>
        Run(schedule, [.. schedule.Stages.Select(_ => times)], new LinkTimes[schedule.Stages.Count - 1], pendingWeights);

    /// <summary>Plays a schedule.</summary>
    /// <param name="schedule">The lists.</param>
    /// <param name="times">Times of each of the p stages.</param>
    /// <param name="links">The p − 1 links, from the lowest.</param>
    /// <param name="pendingWeights">W that a stage may put off, see <see cref="StageProgress"/>.</param>
    /// <exception cref="InvalidOperationException">The stages wait for each other for ever.</exception>
    public static ReplayResult Run(
        PipelineSchedule schedule, IReadOnlyList<StageTimes> times, IReadOnlyList<LinkTimes> links, int pendingWeights = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(times.Count, schedule.Stages.Count);
        ArgumentOutOfRangeException.ThrowIfNotEqual(links.Count, schedule.Stages.Count - 1);
        return new ScheduleReplay(schedule, times, links, pendingWeights).Play();
    }

    private ReplayResult Play()
    {
        StartAll();
        while (_events.TryPeek(out _, out var at))
        {
            // What happens at one time is noted whole before stages choose, so that no choice depends on the order of simultaneous events.
            _now = at.Time;
            while (_events.TryPeek(out var e, out var next) && next.Time == _now)
            {
                _events.Dequeue();
                Happen(e.Stage, e.Input);
            }

            StartAll();
        }

        return _progress.IsDone ? Result() : throw new InvalidOperationException("The stages of the schedule wait for each other for ever.");
    }

    private void StartAll()
    {
        for (var stage = 0; stage < _progress.Stages; stage++)
        {
            if (_progress.Start(stage) is { } operation)
            {
                var end = _now + _times[stage].Of(operation.Kind);
                _played.Add(new TimedOperation(stage, operation, _now, end));
                _peaks[stage] = Math.Max(_peaks[stage], _progress.Held(stage));
                At(end, stage, null);
            }
        }
    }

    private void Happen(int stage, Operation? input)
    {
        if (input is { } arrived)
        {
            _progress.Arrived(stage, arrived);
            return;
        }

        var operation = _progress.Done(stage);
        if (_progress.Above(stage, operation) is { } forward)
        {
            Send(_upFree, stage, stage + 1, forward);
        }

        if (_progress.Below(stage, operation) is { } backward)
        {
            Send(_downFree, stage - 1, stage - 1, backward);
        }
    }

    private void Send(double[] free, int link, int stage, Operation operation)
    {
        free[link] = Math.Max(free[link], _now) + _links[link].Busy;
        At(free[link] + _links[link].Latency, stage, operation);
    }

    private void At(double time, int stage, Operation? input) => _events.Enqueue((stage, input), (time, _number++));

    private ReplayResult Result()
    {
        var spans = _played.GroupBy(o => o.Stage).OrderBy(g => g.Key)
            .Select(g => (Span: g.Max(o => o.End) - g.Min(o => o.Start), Busy: g.Sum(o => o.End - o.Start))).ToList();
        var longest = spans.Max(s => s.Span);
        return new ReplayResult(_played, _played.Max(o => o.End), longest, [.. spans.Select(s => longest - s.Busy)], _peaks);
    }
}
