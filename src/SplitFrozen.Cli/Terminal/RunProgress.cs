using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Terminal;

/// <summary>How far training is, how fast it goes and how long it will take. Pure: it is told the time.</summary>
internal sealed class RunProgress(RunEvent.TrainingStarted start)
{
    /// <summary>Weight of the newest step in the loss that is shown; single batches jump too much to be read.</summary>
    private const double LossWeight = 0.1;

    /// <summary>How far back the rate looks.</summary>
    private static readonly TimeSpan RateSpan = TimeSpan.FromSeconds(15);

    private readonly Queue<(DateTimeOffset At, long Samples)> _recent = [];
    private (DateTimeOffset At, long Samples)? _first;

    public int Epochs => start.Epochs;

    /// <summary>Epoch under way, from 1.</summary>
    public int Epoch { get; private set; } = 1;

    /// <summary>Steps made.</summary>
    public int Steps { get; private set; }

    public int TotalSteps => start.Epochs * start.StepsPerEpoch;

    /// <summary>Samples trained.</summary>
    public long Samples { get; private set; }

    public long TotalSamples => start.Epochs * start.SamplesPerEpoch;

    /// <summary>Smoothed training loss in nats a target, or null before the first step.</summary>
    public double? Loss { get; private set; }

    /// <summary>Samples trained a second over the last seconds, or null as long as that cannot be told.</summary>
    public double? SamplesPerSecond { get; private set; }

    /// <summary>Time that the remaining samples take at the rate of the whole training so far, or null as long as that cannot be told.</summary>
    public TimeSpan? TimeLeft { get; private set; }

    /// <summary>Takes note of a step.</summary>
    public void Step(RunEvent.StepDone step, DateTimeOffset now)
    {
        (Epoch, Steps, Samples) = (step.Epoch + 1, step.Step + 1, step.SamplesTrained);
        Loss = Loss is { } loss ? loss + (LossWeight * (step.Score.MeanLoss - loss)) : step.Score.MeanLoss;
        _first ??= (now, Samples);
        _recent.Enqueue((now, Samples));
        while (now - _recent.Peek().At > RateSpan)
        {
            _recent.Dequeue();
        }

        SamplesPerSecond = Rate(_recent.Peek(), now) ?? SamplesPerSecond;
        TimeLeft = Rate(_first.Value, now) is { } rate ? TimeSpan.FromSeconds(Math.Max(0, TotalSamples - Samples) / rate) : null;
    }

    private double? Rate((DateTimeOffset At, long Samples) since, DateTimeOffset now) =>
        now > since.At && Samples > since.Samples ? (Samples - since.Samples) / (now - since.At).TotalSeconds : null;
}
