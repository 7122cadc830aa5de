using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>The run ends, complete, stopped or failed: final score, checkpoint, adapter, the devices' last figures, summary.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>How long devices may take to report their last figures.</summary>
    private static readonly TimeSpan FinishTime = TimeSpan.FromSeconds(10);

    /// <summary>Above this share of overruns the emulated times of a run are not to be relied on.</summary>
    private const double OverrunShare = 0.02;

    private RunFailedException? _failure;
    private bool _diverged;
    private bool _completed;
    private bool _ending;

    private void Abort(RunFailure failure, string message)
    {
        if (_ending)
        {
            return;
        }

        var kept = _step > 0 ? $" What was trained until step {_step} is kept in {_run.Paths.Checkpoints}; --resume goes on from there." : "";
        _failure = new RunFailedException(failure, message + kept);
        _log.Error("The run ends: {Message}", message);
        BeginEnding(completed: false);
    }

    /// <summary>A stage does not come back. At the end of a run nothing can be saved then but what is on disk already.</summary>
    private void StageLost(string message)
    {
        if (_ending)
        {
            _failure = new RunFailedException(
                _failure?.Failure ?? RunFailure.Broken, $"{message}. What was trained since the last checkpoint could not be saved; what is in {_run.Paths.Checkpoints} is kept.");
            FinishDevices();
        }
        else
        {
            Abort(RunFailure.Broken, message);
        }
    }

    /// <summary>What the stages hold led to numbers that are none, and is not written: the checkpoint before it stays.</summary>
    private void Diverged(string message)
    {
        var kept = _savedStep is { } step
            ? $" The last good checkpoint, of step {step}, is kept in {_run.Paths.Checkpoints}, and its adapter in {_run.Paths.Adapter}."
            : " No checkpoint had been written yet (splitfrozen.training.checkpoint-steps).";
        (_failure, _diverged) = (new RunFailedException(RunFailure.Broken, message + kept), true);
        _log.Error("The run ends: {Message}", message);
        BeginEnding(completed: false);
    }

    private void BeginEnding(bool completed)
    {
        (_completed, _stopping, _ending) = (completed, true, true);
        Timers.CancelAll();
        Become(() =>
        {
            Always();
            Receive<CheckpointActor.Saved>(m => Notify(new RunEvent.CheckpointWritten(m.Folder, m.Step)));
            Receive<CheckpointActor.AdapterSaved>(_ => FinishDevices());
            Receive<DeviceEvents.Finished>(Finished);
            Receive<FinishLimit>(_ => End());
        });
        _stages.Abandon();
        if (completed)
        {
            if (!_stages.IsUp)
            {
                // The limit to their absence was cancelled with the other timers.
                AwaitServers();
            }

            if (_run.Sets.Evaluation.Count > 0)
            {
                Notify(new RunEvent.Waiting($"the score of {_run.Sets.Evaluation.Count} rows after training"));
            }

            _stages.Score(_heldOut[EvaluationSet], ScoredAfter);
        }
        else if (_diverged && _savedStep is not null)
        {
            _peers.Files.Tell(new CheckpointActor.KeepAdapter(_run.Paths.Checkpoints, _run.Paths.Adapter));
        }
        else if (!_diverged && _step > 0 && _window is not null)
        {
            Save();
        }
        else
        {
            FinishDevices();
        }
    }

    private void ScoredAfter(TargetScore score, double seconds)
    {
        _clock.Evaluation(seconds);
        _scores[After] = score;
        Notify(new RunEvent.Evaluated(After, _epoch, score));
        Save();
    }

    private void Save() => _stages.Collect(tensors =>
    {
        _peers.Files.Tell(new CheckpointActor.Save(_run.Paths.Checkpoints, _run.Settings.Training.CheckpointKeep, tensors, Position()));
        _peers.Files.Tell(new CheckpointActor.SaveAdapter(_run.Paths.Adapter, tensors));
    });

    private void FinishDevices()
    {
        foreach (var device in _devices.Values)
        {
            device.Ref?.Tell(new DeviceCommands.Finish(device.Id));
        }

        Timers.StartSingleTimer(nameof(FinishLimit), FinishLimit.Instance, FinishTime);
        StartReminding();
        CompleteWhenAllFinished();
    }

    private void Finished(DeviceEvents.Finished finished)
    {
        if (IsCurrent(finished, out var device))
        {
            device.Report(finished.Work);
            device.Finished = true;
            CompleteWhenAllFinished();
        }
    }

    private void CompleteWhenAllFinished()
    {
        if (Timers.IsTimerActive(nameof(FinishLimit)) && _devices.Values.All(d => d.Finished || d.Ref is null))
        {
            End();
        }
    }

    private void End()
    {
        Timers.CancelAll();
        FinishServers();
        if (_failure is not null)
        {
            Notify(new RunEvent.Failed(_failure.Message));
            _run.Fail(_failure);
            return;
        }

        var summary = Summarise();
        Notify(new RunEvent.Ended(summary));
        _run.Complete(summary);
    }

    private RunSummary Summarise()
    {
        var devices = _devices.Values.Select(d => d.Summary()).ToList();
        var operations = devices.Sum(d => d.Operations) + EmulatedStageOperations;
        var overruns = devices.Sum(d => d.Overruns) + _stages.Overruns;
        var valid = overruns <= OverrunShare * operations;
        var adapter = AdapterFile.Of(_run.Paths);
        var settings = _run.Settings;
        return new RunSummary(
            settings.Training.Method, settings.Training.Seed, settings.Training.Epochs, _run.Spec.Cut, _run.Spec.Task.ToString(),
            _run.Sets.EvaluationName, _run.Sets.ValidationName,
            Found(Before)?.Accuracy, Found(After)?.Accuracy, Found(ValidationSet)?.Accuracy, Found(Before)?.MeanLoss, Found(After)?.MeanLoss,
            _lossFirst, _step == 0 ? null : _lossLast, _step, _ledger.SamplesTrained, _plan.SamplesExpected, Seconds,
            adapter.Sha256, adapter.Bytes, _stages.TrainableParameters, _clock.Stages, _completed, valid,
            [.. _remarks, .. Remarks(valid, overruns, operations)], devices)
        {
            Store = SummariseStore(),
            ChannelRefusals = RefusalTotals(),
            Best = _best.Best,
            Resumes = Resumes,
            Struck = _struckSoFar,
        }.WithMeasures(_run.Spec.Task, Found(Before), Found(After), Found(ValidationSet));
    }

    private IEnumerable<string> Remarks(bool valid, long overruns, long operations)
    {
        if (_earlyStop is not null)
        {
            yield return $"The run stopped after {_epoch} epochs: {_earlyStop}.";
        }

        if (PutOffSamples > 0)
        {
            yield return $"{PutOffSamples} samples were trained later than the plan has them, as they were not here in time (splitfrozen.training.put-off-after): another run of this configuration need not give the same result. `splitfrozen train --replay {_run.Paths.Folder}` trains in this run's order and does.";
        }

        if (_run.Replay is { } recorded)
        {
            yield return $"The samples were trained in the order of {recorded.Path}.";
        }

        if (_struckSoFar.Count > 0)
        {
            yield return $"{_struckSoFar.Sum(s => s.Samples)} samples were struck, as {string.Join(", ", _struckSoFar.Select(s => s.Device).Distinct())} did not return in time (splitfrozen.device.lost-after): the run cannot be compared with others of its configuration. `splitfrozen ledger check` names the samples.";
        }

        if (!valid)
        {
            yield return $"{overruns} of {operations} emulated operations took longer than the profile allows: the times are not those of the emulated devices. Lower the profiles' gigaflops (splitfrozen.nodes, splitfrozen.server) or free the machine.";
        }
    }

    private TargetScore? Found(string name) => _scores.TryGetValue(name, out var score) ? score : null;

    private sealed record FinishLimit : ILocalMessage
    {
        public static FinishLimit Instance { get; } = new();
    }
}
