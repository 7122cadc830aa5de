using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Grants go out within the window; global batches are trained one after another in the plan's order.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    private const string EvaluationSet = "evaluation";
    private const string ValidationSet = "validation";
    private const string Before = "before";
    private const string After = "after";

    private readonly BestScore _best;
    private string? _earlyStop;
    private int? _savedStep;
    private int _epoch;
    private int _step;
    private double? _lossFirst;
    private double _lossLast;

    private EpochPlan Plan => _plan.For(_epoch);

    private void BecomeTraining()
    {
        Timers.Cancel(nameof(StartLimit));
        Become(() =>
        {
            Always();
            Receive<DeviceEvents.Prepared>(PrepareLate);
            Receive<AllocatorActor.Allocated>(Assign);
            Receive<WatchWaiting>(_ => AlarmOverWaiting());
            Receive<CatchUpActor.Frozen>(m =>
            {
                KeepHeldOut(m);
                ScoreBefore();
            });
            Receive<ShuffleActor.UnitPlaced>(Placed);
            Receive<ShuffleActor.Supplied>(Supplied);
            Receive<ShuffleActor.SamplesHere>(SamplesHere);
            Receive<LookAgain>(_ => Offer());
            Receive<CheckpointActor.Saved>(CheckpointWritten);
            Receive<Stop>(_ => _stopping = true);
        });
        _peers.Allocator.Tell(AllocatorActor.Allocate.Instance);
        Timers.StartPeriodicTimer(nameof(WatchWaiting), WatchWaiting.Instance, WatchInterval);
        _window = new GrantWindow(
            _plan.For, _run.Settings.Training.Epochs, _run.Settings.Pipeline.Window, _epoch, grant => _fills[grant.Epoch].LeftOf(grant.Number));
        if (!IsTrained)
        {
            Notify(new RunEvent.TrainingStarted(_run.Settings.Training.Epochs, Plan.Batches, Plan.Samples, _stages.TrainableParameters));
            OpenGrants();
        }

        if (_run.Sets.Evaluation.Count + _run.Sets.Validation.Count is var rows and > 0)
        {
            Notify(new RunEvent.Waiting($"{rows} held-out rows to be run{(_resume is null ? " and scored before training" : "")} (splitfrozen.data.evaluation-limit takes fewer)"));
        }

        ScoreBefore();
    }

    private void KeepHeldOut(CatchUpActor.Frozen set)
    {
        _heldOut[set.Name] = set.Batches;
        _clock.Frozen(set.Seconds);
    }

    /// <summary>The untrained adapter is scored before the first step; meanwhile devices run ahead.</summary>
    private void ScoreBefore()
    {
        if (_heldOut.Count < 2)
        {
            return;
        }

        if (_resume is null)
        {
            Score(Before, EvaluationSet);
        }
        else
        {
            GoOn();
        }
    }

    private void Score(string name, string set) => _stages.Score(_heldOut[set], (score, seconds) => Scored(name, score, seconds));

    private void OpenGrants()
    {
        if (IsTrained)
        {
            return;
        }

        // Whatever the window is, the next global batch must come together: a replay, or a run resumed with a smaller window, may need a grant beyond it.
        _plan.For(_epoch);
        var opened = _window!.Open(Fill.NeededGrant is { } number ? new GrantId(_epoch, number) : null);
        foreach (var id in opened)
        {
            var plan = _plan.For(id.Epoch);
            var roster = _plan.Roster(id.Epoch);
            _peers.Channel.Memory.Open(id, plan.GrantSamples(id.Number).Length);
            for (var ordinal = 0; ordinal < roster.Count; ordinal++)
            {
                var samples = plan.GrantSamples(id.Number, ordinal);
                if (samples.Length > 0 && !IsStruckFrom(id.Epoch, ordinal))
                {
                    Request(_devices[roster[ordinal]], id, samples);
                }
            }
        }

        if (opened.Count > 0 && _devices.Values.Where(d => d.IsAwaitedAtEnd).ToList() is { Count: > 0 } away)
        {
            // Nothing is held back for them: that makes room for more.
            away.ForEach(device => PutToEnd(device, opened));
            OpenGrants();
        }
    }

    private void Placed(ShuffleActor.UnitPlaced placed)
    {
        _clock.CatchUp(placed.CatchUpSeconds);
        _clock.Placed(placed.PlaceSeconds);
        Count(placed);
        MeasureServer(placed);
        var device = _devices[placed.Device];
        if (device.Incarnation == placed.Incarnation)
        {
            device.Placed(placed.Grant, placed.Unit, placed.Samples);
            AskHeld(device);
            _peers.Channel.Return(device.Id, device.Incarnation, device.PlacedUnits);
            device.Ref?.Tell(new DeviceCommands.ReturnCredits(device.Id, device.Incarnation, device.PlacedUnits));
        }
    }

    private void Stepped(double learningRate, TargetScore score, double norm)
    {
        if (!double.IsFinite(norm))
        {
            Diverged($"Loss or gradients of step {_step} are not finite (loss {score.MeanLoss}, gradient norm {norm}); the step was not made. Lower splitfrozen.training.learning-rate, or set splitfrozen.training.clip-norm.");
            return;
        }

        PlanSample[] trained = [.. Fill.Given.SelectMany(samples => samples)];
        _ledger.Trained(_epoch, _step, trained);
        Record(new LedgerRecord.Trained(_step, _epoch, Batch, [.. Fill.Given.Select(samples => samples.Count)], trained));
        _lossFirst ??= score.MeanLoss;
        _lossLast = score.MeanLoss;
        CloseGrants(trained);
        Notify(new RunEvent.StepDone(_epoch, _step, score, norm, learningRate, _ledger.SamplesTrained, _window!.InFlightSamples)
        {
            LabelDistance = WatchLabels(),
            PutOff = PutOffSamples,
        });
        _step++;
        Fill.End();
        NoteRate();
        OpenGrants();
        AfterStep();
    }

    private void AfterStep()
    {
        if (Fill.IsDone)
        {
            EndEpoch();
        }
        else if (_stopping)
        {
            BeginEnding(completed: false);
        }
        else if (_step % _run.Settings.Training.CheckpointSteps == 0)
        {
            SaveCheckpoint();
        }
        else
        {
            NextBatch();
        }
    }

    private void EndEpoch()
    {
        _peers.Shuffle.Tell(new ShuffleActor.CloseEpoch(_epoch));
        Record(new LedgerRecord.Closed(_epoch));
        _plan.Close(_epoch);
        _struck.Remove(_epoch);
        _putOffBefore += Fill.PutOff;
        _fills.Remove(_epoch);
        ReportEpoch();
        _epoch++;
        if (_run.Sets.Validation.Count > 0)
        {
            Score(ValidationSet, ValidationSet);
        }
        else
        {
            NextEpoch();
        }
    }

    private void NextEpoch()
    {
        if (IsTrained)
        {
            BeginEnding(completed: true);
        }
        else if (_stopping)
        {
            BeginEnding(completed: false);
        }
        else
        {
            NextBatch();
        }
    }

    private void NextBatch()
    {
        OpenGrants();
        if (Fill.IsEmpty || Fill.IsDone)
        {
            PassOver();
            return;
        }

        _epochStarted ??= Stopwatch.GetTimestamp();
        var rate = _plan.LearningRate(_step);
        _isOffered = false;
        _stages.Train(new StagePipeline.BatchWork(_step, Fill.Begin(), rate, HandOver, (score, norm) => Stepped(rate, score, norm)));
        Offer();
    }

    private void Scored(string name, TargetScore score, double seconds)
    {
        _clock.Evaluation(seconds);
        _scores[name] = score;
        Notify(new RunEvent.Evaluated(name, _epoch, score));
        if (name == Before)
        {
            if (_stopping)
            {
                BeginEnding(completed: false);
            }
            else
            {
                NextBatch();
            }
        }
        else if (_best.Note(_epoch, _step, score))
        {
            SaveCheckpoint(_run.Paths.Best, keep: 1);
        }
        else if (_best.IsPatienceOver && !IsTrained)
        {
            StopEarly();
        }
        else
        {
            NextEpoch();
        }
    }

    private void StopEarly()
    {
        var training = _run.Settings.Training;
        _earlyStop = $"no better {training.Best.ToString().ToLowerInvariant()} in {training.Patience} validations (splitfrozen.training.patience)";
        Notify(new RunEvent.StoppedEarly(_epoch, _earlyStop));
        BeginEnding(completed: true);
    }
}
