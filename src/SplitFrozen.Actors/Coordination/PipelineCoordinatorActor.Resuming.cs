using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Checkpoints, and a run that goes on from one: its devices must be there again with the data they had, then it goes on where it stood.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    private readonly ResumePoint? _resume;
    private bool _restored;

    /// <summary>Whether only the end is left to do: all epochs are trained.</summary>
    private bool IsTrained => _epoch >= _run.Settings.Training.Epochs;

    private CheckpointState Position() => new(
        _step, _epoch, Batch, _ledger.SamplesTrained, _run.Settings.Training.Seed,
        [.. _devices.Values.Where(d => d.Samples is not null).Select(d => new CheckpointDevice(d.Id.Value, d.Samples!.Value, d.DataFingerprint, d.IsStruck))])
    {
        Plan = _plan.State,
        LossFirst = _lossFirst,
        LossLast = _step == 0 ? null : _lossLast,
        Scores = _scores.ToDictionary(s => s.Key, s => CheckpointScore.Of(s.Value)),
        Best = _best.Best,
        WithoutBetter = _best.Without,
        Seconds = Seconds,
        Resumes = Resumes,
        Struck = StruckNow(),
        StruckSoFar = [.. _struckSoFar],
    };

    /// <summary>Seconds that the run took, what its earlier processes took since their last checkpoint left out.</summary>
    private double Seconds => (_resume?.State.Seconds ?? 0) + _clock.WallSeconds;

    private int Resumes => _resume is null ? 0 : _resume.State.Resumes + 1;

    /// <summary>Sets everything that decides how the run goes on to what it was.</summary>
    private void TakeUp()
    {
        if (_resume?.State is not { } state)
        {
            return;
        }

        (_step, _epoch, _savedStep) = (state.Step, state.Epoch, state.Step);
        (_lossFirst, _lossLast) = (state.LossFirst, state.LossLast ?? 0);
        _best.Resume(state.Best, state.WithoutBetter);
        foreach (var (name, score) in state.Scores)
        {
            _scores[name] = score.ToScore();
        }

        foreach (var device in state.Devices)
        {
            var id = new DeviceId(device.Id);
            _devices[id] = new DeviceEntry(id) { Samples = device.Samples, DataFingerprint = device.DataFingerprint, IsStruck = device.IsStruck };
        }

        foreach (var epoch in _plan.OpenEpochs)
        {
            AddFill(_plan.For(epoch));
        }

        _struckSoFar.AddRange(state.StruckSoFar);
        foreach (var struck in state.Struck)
        {
            PlanSample[] samples = [.. struck.Samples.Select(index => new PlanSample(struck.Device, index))];
            Strike(struck.Epoch, samples);
            StrikeFromFill(struck.Epoch, samples);
        }

        _ledger.Resume(state.SamplesTrained, _epoch, _resume.Trained);
        _putOffBefore = _resume.PutOff;
    }

    /// <summary>Samples of an epoch that are not trained any more: they were, or were struck, or the run that is replayed did without.</summary>
    private List<PlanSample> Closed(EpochPlan plan) =>
    [
        .. _resume?.State.Epoch == plan.Epoch ? _resume.Trained : [], .. _struck.GetValueOrDefault(plan.Epoch) ?? [], .. _run.Replay?.NotTrained(plan) ?? [],
    ];

    private void ReopenEpochs()
    {
        if (!_run.Resumes)
        {
            return;
        }

        foreach (var epoch in _plan.OpenEpochs)
        {
            _peers.Shuffle.Tell(new ShuffleActor.OpenEpoch(_plan.For(epoch), [.. _plan.Roster(epoch)]) { Closed = Closed(_plan.For(epoch)) });
        }

        foreach (var device in _devices.Values.Where(d => IsStoring && d.DataFingerprint is not null))
        {
            _peers.Shuffle.Tell(new ShuffleActor.AdmitData(device.Id, device.DataFingerprint!, device.Samples!.Value));
        }

        _log.Info("The run goes on after step {Step}, in epoch {Epoch}", _step, _epoch);
        Notify(new RunEvent.Resumed(_step, _epoch, Batch));
    }

    /// <summary>Gives the stages the state that they had.</summary>
    private void RestoreStages()
    {
        if (_resume is not null)
        {
            _stages.Restore(_step, _resume.Tensors, () =>
            {
                _restored = true;
                BeginWhenReady();
            });
        }
    }

    /// <summary>Goes on where the checkpoint was written: before a batch, or between two epochs.</summary>
    private void GoOn()
    {
        if (Batch > 0)
        {
            NextBatch();
        }
        else if (!IsTrained && _best.IsPatienceOver)
        {
            StopEarly();
        }
        else
        {
            NextEpoch();
        }
    }

    private void SaveCheckpoint() => SaveCheckpoint(_run.Paths.Checkpoints, _run.Settings.Training.CheckpointKeep);

    private void SaveCheckpoint(string folder, int keep) =>
        _stages.Collect(tensors => _peers.Files.Tell(new CheckpointActor.Save(folder, keep, tensors, Position())));

    private void CheckpointWritten(CheckpointActor.Saved saved)
    {
        Notify(new RunEvent.CheckpointWritten(saved.Folder, saved.Step));
        if (saved.Folder != _run.Paths.Best)
        {
            _savedStep = saved.Step;
        }

        GoOnAfterCheckpoint(saved.Folder);
    }

    private void GoOnAfterCheckpoint(string folder)
    {
        if (folder == _run.Paths.Best)
        {
            NextEpoch();
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

    /// <summary>
    /// A checkpoint that could not be written is no reason to end: the next one may succeed. Without a ledger, or without the last checkpoint or adapter, the run has
    /// no result.
    /// </summary>
    private void NotSaved(CheckpointActor.NotSaved failed)
    {
        _log.Error("{Path} could not be written: {Reason}", failed.Path, failed.Reason);
        var message = $"{failed.Path} could not be written: {failed.Reason} Make room, then go on from the last checkpoint with --resume.";
        if (_ending)
        {
            _failure ??= new RunFailedException(RunFailure.Broken, message);
            FinishDevices();
        }
        else if (failed.Step is { } step)
        {
            Notify(new RunEvent.CheckpointFailed(failed.Path, step, failed.Reason));
            GoOnAfterCheckpoint(failed.Path);
        }
        else
        {
            Abort(RunFailure.Broken, message);
        }
    }
}
