using System.Diagnostics;

using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>Keeps account of a run, tells its observer, and sums it up.</summary>
/// <param name="inputs">What is run.</param>
internal sealed class MethodReport(MethodInputs inputs)
{
    /// <summary>Above this share of overruns the emulated times of a run are not to be relied on.</summary>
    private const double OverrunShare = 0.02;

    private readonly List<StruckSummary> _leftOut = [];
    private double? _lossFirst;
    private double? _lossLast;
    private TargetScore? _before;
    private TargetScore? _after;
    private TargetScore? _validated;

    /// <summary>Where the time goes.</summary>
    public RunClock Clock { get; } = new(inputs.Trace);

    /// <summary>Optimiser steps made, of all devices together.</summary>
    public int Steps { get; private set; }

    /// <summary>Samples trained.</summary>
    public long SamplesTrained { get; private set; }

    /// <summary>The training begins.</summary>
    public void Started(int rounds, int stepsPerRound, long samplesPerRound, long trainable) =>
        inputs.Observer.On(new RunEvent.TrainingStarted(rounds, stepsPerRound, samplesPerRound, trainable));

    /// <summary>A step was made, unless what it was to be made of is not finite.</summary>
    /// <exception cref="RunFailedException">Loss or gradients are not finite.</exception>
    public void Step(int round, TargetScore score, int samples, double norm, double rate)
    {
        if (!double.IsFinite(norm) || !double.IsFinite(score.LossSum))
        {
            throw new RunFailedException(
                RunFailure.Broken,
                $"Loss or gradients of step {Steps} are not finite (loss {score.MeanLoss}, gradient norm {norm}). Lower splitfrozen.training.learning-rate, or set splitfrozen.training.clip-norm.");
        }

        _lossFirst ??= score.MeanLoss;
        _lossLast = score.MeanLoss;
        SamplesTrained += samples;
        inputs.Observer.On(new RunEvent.StepDone(round, Steps, score, norm, rate, SamplesTrained, 0));
        Steps++;
    }

    /// <summary>A device was lost in a round, which went on without it.</summary>
    public void LeftOut(int round, DeviceId device, int samples) => _leftOut.Add(new StruckSummary(round, device.Value, samples));

    /// <summary>A round is over.</summary>
    public void RoundDone(int round, double seconds) => inputs.Observer.On(new RunEvent.EpochTrained(round, seconds, 0, 0, 0));

    /// <summary>Embeds a held-out set.</summary>
    public IReadOnlyList<ActivationBatch> Embed(IFrozenBlocks embeddings, IReadOnlyList<EncodedSample> samples) =>
        Timed(() => Evaluator.Freeze(embeddings, samples, 0, inputs.Settings.Pipeline.UnitTokens));

    /// <summary>Scores the evaluation set before training.</summary>
    public void Before(Func<TargetScore> score) => _before = Evaluated("before", 0, score);

    /// <summary>Scores after a round.</summary>
    /// <param name="rounds">Rounds done.</param>
    /// <param name="score">Scores the validation set, or null: there is none.</param>
    /// <param name="evaluation">Scores the evaluation set.</param>
    public void AfterRound(int rounds, Func<TargetScore>? score, Func<TargetScore> evaluation)
    {
        if (score is null)
        {
            Evaluated("evaluation", rounds, evaluation);
        }
        else
        {
            _validated = Evaluated("validation", rounds, score);
        }
    }

    /// <summary>Scores the evaluation set after training.</summary>
    public void After(int rounds, Func<TargetScore> score) => _after = Evaluated("after", rounds, score);

    /// <summary>Sums the run up and tells of its end.</summary>
    public RunSummary Summarise(bool completed, long samplesExpected, long trainable, IReadOnlyList<string> remarks, FleetReport fleet)
    {
        var (overruns, operations) = (fleet.Devices.Sum(d => d.Overruns), fleet.Devices.Sum(d => d.Operations));
        var adapter = AdapterFile.Of(inputs.Paths);
        var training = inputs.Settings.Training;
        var summary = new RunSummary(
            training.Method, training.Seed, training.Epochs, inputs.Trainer.Cut, inputs.Task.ToString(), inputs.Sets.EvaluationName, inputs.Sets.ValidationName,
            _before?.Accuracy, _after?.Accuracy, _validated?.Accuracy, _before?.MeanLoss, _after?.MeanLoss, _lossFirst, _lossLast, Steps, SamplesTrained,
            samplesExpected, Clock.WallSeconds, adapter.Sha256, adapter.Bytes, trainable, Clock.Stages, completed, overruns <= OverrunShare * operations,
            [.. remarks, .. Remarks(overruns, operations)], fleet.Devices)
        {
            ChannelRefusals = fleet.ChannelRefusals,
            Struck = _leftOut,
        }.WithMeasures(inputs.Task, _before, _after, _validated);
        inputs.Observer.On(new RunEvent.Ended(summary));
        return summary;
    }

    private IEnumerable<string> Remarks(long overruns, long operations)
    {
        if (_leftOut.Count > 0)
        {
            yield return $"{string.Join(", ", _leftOut.Select(l => l.Device).Distinct())} did not return in time (splitfrozen.device.lost-after), and {_leftOut.Count} parts of rounds were left out: the run cannot be compared with others of its configuration.";
        }

        if (overruns > OverrunShare * operations)
        {
            yield return $"{overruns} of {operations} emulated operations took longer than the profile allows: the times are not those of the emulated devices. Lower the profiles' gigaflops (splitfrozen.nodes) or free the machine.";
        }
    }

    private TargetScore Evaluated(string name, int rounds, Func<TargetScore> run)
    {
        var score = Timed(run);
        inputs.Observer.On(new RunEvent.Evaluated(name, rounds, score));
        return score;
    }

    private T Timed<T>(Func<T> run)
    {
        var started = Stopwatch.GetTimestamp();
        var result = run();
        Clock.Evaluation(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return result;
    }
}
