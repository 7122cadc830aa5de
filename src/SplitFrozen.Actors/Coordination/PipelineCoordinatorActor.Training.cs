using System.Diagnostics;

using Akka.Actor;
using Akka.Event;

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

    private readonly HashSet<(int Epoch, int Batch, int Index)> _ready = [];
    private readonly BestScore _best;
    private string? _earlyStop;
    private int? _savedStep;
    private readonly LabelMixWatch? _mix;
    private readonly List<int> _labels = [];
    private int _epoch;
    private int _batch;
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
            Receive<WatchWaiting>(_ => AskWhoIsMissing());
            Receive<ShuffleActor.Missing>(AlarmOver);
            Receive<CatchUpActor.Frozen>(m =>
            {
                KeepHeldOut(m);
                ScoreBefore();
            });
            Receive<ShuffleActor.UnitPlaced>(Placed);
            Receive<ShuffleActor.Supplied>(Supplied);
            Receive<ShuffleActor.MicroBatchReady>(m =>
            {
                if (_stages.IsTraining && (m.Epoch, m.Batch) == (_epoch, _batch))
                {
                    _stages.Ready(m.Index);
                }
                else
                {
                    _ready.Add((m.Epoch, m.Batch, m.Index));
                }
            });
            Receive<CheckpointActor.Saved>(CheckpointWritten);
            Receive<Stop>(_ => _stopping = true);
        });
        _peers.Allocator.Tell(AllocatorActor.Allocate.Instance);
        Timers.StartPeriodicTimer(nameof(WatchWaiting), WatchWaiting.Instance, WatchInterval);
        _window = new GrantWindow(
            _plan.For, _run.Settings.Training.Epochs, _run.Settings.Pipeline.Window, _epoch, (epoch, batch) => TrainedBefore(epoch).Contains(batch));
        if (!IsTrained)
        {
            Notify(new RunEvent.TrainingStarted(_run.Settings.Training.Epochs, Plan.Batches, Plan.Samples, _stages.TrainableParameters));
            OpenGrants();
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
        foreach (var id in _window!.Open())
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

        _ledger.Trained(_epoch, _step, Left(_batch));
        Record(new LedgerRecord.Trained(
            _step, _epoch, _batch, [.. Enumerable.Range(0, Plan.MicroBatches(_batch)).Select(i => Left(Plan.MicroBatch(_batch, i)).Length)], Left(_batch)));
        _lossFirst ??= score.MeanLoss;
        _lossLast = score.MeanLoss;
        _window!.BatchTrained(_epoch, _batch);
        CloseGrant();
        Notify(new RunEvent.StepDone(_epoch, _step, score, norm, learningRate, _ledger.SamplesTrained, _window.InFlightSamples) { LabelDistance = WatchLabels() });
        _step++;
        _batch++;
        NoteRate();
        OpenGrants();
        AfterStep();
    }

    /// <summary>With the last global batch of a grant, the server's memory waits for none of its samples any more.</summary>
    private void CloseGrant()
    {
        var grant = Plan.GrantOf(_batch);
        var (first, count) = Plan.BatchesOf(grant);
        if (_batch == first + count - 1)
        {
            _peers.Channel.Memory.Close(new GrantId(_epoch, grant));
        }
    }

    /// <summary>Compares the labels of the global batch just trained with those of all training rows.</summary>
    private double? WatchLabels()
    {
        if (_mix is null || _labels.Count == 0)
        {
            return null;
        }

        var (distance, alarm) = _mix.Note(_labels);
        _labels.Clear();
        if (alarm is { } excess)
        {
            _log.Warning("The label mix of global batches lies {Excess:0.00} farther from that of all rows than chance explains (splitfrozen.training.mix-alarm)", excess);
            Notify(new RunEvent.LabelMixAlarm(_epoch, _step, excess));
        }

        return distance;
    }

    private void AfterStep()
    {
        if (_batch == Plan.Batches)
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
        _mix?.Reset();
        _peers.Shuffle.Tell(new ShuffleActor.CloseEpoch(_epoch));
        Record(new LedgerRecord.Closed(_epoch));
        _plan.Close(_epoch);
        _struck.Remove(_epoch);
        ReportEpoch();
        (_epoch, _batch) = (_epoch + 1, 0);
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
        if (Left(_batch).Length == 0)
        {
            PassOver();
            return;
        }

        _epochStarted ??= Stopwatch.GetTimestamp();
        var (epoch, batch, rate) = (_epoch, _batch, _plan.LearningRate(_step));
        var count = Plan.MicroBatches(batch);
        _stages.Train(new StagePipeline.BatchWork(
            _step, count, rate, id => _peers.Shuffle.Tell(new ShuffleActor.HandOver(id, epoch, batch)), (score, norm) => Stepped(rate, score, norm)));
        for (var index = 0; index < count; index++)
        {
            if (_ready.Remove((epoch, batch, index)))
            {
                _stages.Ready(index);
            }
        }
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
