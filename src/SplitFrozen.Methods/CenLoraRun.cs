using System.Diagnostics;

using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>
/// CenLoRA: one process has all data and trains LoRA on blocks [from, L). It walks the same sampling plan over the same forward units as the
/// cluster does, so that with the same first trained block and thread count its losses and adapter are the cluster's, bit for bit.
/// </summary>
/// <param name="settings">The configuration.</param>
/// <param name="model">The model folder.</param>
/// <param name="trainer">What is trained; its cut is the first block with adapters, from 0.</param>
/// <param name="task">What is learned.</param>
/// <param name="devices">The samples by the device that would have them: they decide the plan.</param>
/// <param name="sets">The held-out sets.</param>
/// <param name="paths">Where to write.</param>
/// <param name="observer">Told what happens.</param>
/// <param name="trace">Gets every operation, or null.</param>
public sealed class CenLoraRun(
    Settings settings, IModelSource model, TrainerSpec trainer, TaskKind task, IReadOnlyDictionary<DeviceId, IReadOnlyList<EncodedSample>> devices,
    HeldOutSets sets, RunPaths paths, IRunObserver observer, RunTrace? trace = null) : IDisposable
{
    /// <summary>How rows at the first trained block are written on the way to the trainer, as if devices that hold all frozen blocks had sent them.</summary>
    public ActivationCodec Codec { get; init; } = ActivationCodec.Fp32;

    private readonly IFrozenBlocks _frozen = model.LoadFrozen(trainer.Cut);
    private readonly ITrainerStage _stage = model.LoadTrainer(trainer);
    private readonly RunClock _clock = new(trace);
    private readonly Ledger _ledger = new();
    private readonly RunPlan _plan = new(
        settings.Training, settings.Pipeline.GrantBatches, () => [.. devices.Select(d => new RosterEntry(d.Key, d.Value.Count))]);

    private LabelMixWatch? _mix;
    private int _step;
    private int _epoch;
    private int _batch;
    private double? _lossFirst;
    private double? _lossLast;

    /// <summary>Trains to the end, or until <paramref name="stop"/> is cancelled; then what was trained is kept.</summary>
    /// <exception cref="RunFailedException">Loss or gradients stopped being finite.</exception>
    public RunSummary Run(CancellationToken stop)
    {
        var evaluation = Freeze(sets.Evaluation);
        var validation = Freeze(sets.Validation);
        var before = Score("before", 0, evaluation);
        TargetScore? validated = null;
        while (_epoch < settings.Training.Epochs && TrainEpoch(stop))
        {
            validated = validation.Count > 0 ? Score("validation", _epoch, validation) : null;
        }

        var completed = _epoch == settings.Training.Epochs;
        TargetScore? after = completed ? Score("after", _epoch, evaluation) : null;
        Save();
        var summary = Summarise(before, after, validated, completed);
        observer.On(new RunEvent.Ended(summary));
        return summary;
    }

    /// <summary>Frees the model.</summary>
    public void Dispose()
    {
        _frozen.Dispose();
        _stage.Dispose();
    }

    /// <summary>Trains the epoch that is next.</summary>
    /// <returns>Whether it was trained whole.</returns>
    private bool TrainEpoch(CancellationToken stop)
    {
        var plan = _plan.For(_epoch);
        if (_epoch == 0)
        {
            observer.On(new RunEvent.TrainingStarted(settings.Training.Epochs, plan.Batches, plan.Samples, _stage.TrainableParameters));
        }

        var started = Stopwatch.GetTimestamp();
        var rows = new Dictionary<PlanSample, float[]>();
        var granted = -1;
        while (_batch < plan.Batches)
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            if (plan.GrantOf(_batch) != granted)
            {
                rows.Clear();
                RunForward(_epoch, granted = plan.GrantOf(_batch), rows);
            }

            TrainBatch(_epoch, _batch, rows);
            _batch++;
            if (_batch < plan.Batches && _step % settings.Training.CheckpointSteps == 0)
            {
                SaveCheckpoint();
            }
        }

        _plan.Close(_epoch);
        observer.On(new RunEvent.EpochTrained(_epoch, Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 0, 0));
        (_epoch, _batch) = (_epoch + 1, 0);
        return true;
    }

    /// <summary>Runs a grant's samples to the first trained block, device by device and unit by unit as the cluster would.</summary>
    private void RunForward(int epoch, int grant, Dictionary<PlanSample, float[]> rows)
    {
        var started = Stopwatch.GetTimestamp();
        var roster = _plan.Roster(epoch);
        for (var ordinal = 0; ordinal < roster.Count; ordinal++)
        {
            var samples = devices[roster[ordinal]];
            var granted = _plan.For(epoch).GrantSamples(grant, ordinal);
            foreach (var unit in ForwardUnits.Cut(Array.ConvertAll(granted, i => samples[i].Tokens.Length), settings.Pipeline.UnitTokens))
            {
                var indices = granted[unit];
                var lengths = Array.ConvertAll(indices, i => samples[i].Tokens.Length);
                var output = new float[lengths.Sum() * _frozen.Width];
                _frozen.Embed(indices.SelectMany(i => samples[i].Tokens).ToArray(), lengths, trainer.Cut, output);
                Send(output);
                var at = 0;
                for (var i = 0; i < indices.Length; i++)
                {
                    rows[new PlanSample(ordinal, indices[i])] = output[at..(at += lengths[i] * _frozen.Width)];
                }
            }
        }

        _clock.CatchUp(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Rows become what is left of them after the codec.</summary>
    private void Send(float[] rows)
    {
        if (Codec == ActivationCodec.Fp32)
        {
            return;
        }

        var bytes = new byte[rows.Length / _frozen.Width * RowCodec.RowBytes(Codec, _frozen.Width)];
        RowCodec.Encode(Codec, rows, _frozen.Width, bytes);
        if (!RowCodec.Decode(Codec, bytes, _frozen.Width, rows))
        {
            throw new RunFailedException(RunFailure.Broken, $"Activations at block {trainer.Cut} are not finite.");
        }
    }

    private void TrainBatch(int epoch, int batch, Dictionary<PlanSample, float[]> rows)
    {
        var plan = _plan.For(epoch);
        var score = new TargetScore();
        foreach (var operation in PipelineSchedule.Create(ScheduleKind.ZbH1, stages: 1, plan.MicroBatches(batch)).Stages[0])
        {
            var started = Stopwatch.GetTimestamp();
            switch (operation.Kind)
            {
                case OperationKind.Forward:
                    score += _stage.Forward(operation.MicroBatch, _step, Gather(epoch, plan.MicroBatch(batch, operation.MicroBatch), rows));
                    break;
                case OperationKind.BackwardInput:
                    _stage.BackwardInput(operation.MicroBatch);
                    break;
                case OperationKind.BackwardWeights:
                    _stage.BackwardWeights(operation.MicroBatch);
                    break;
            }

            _clock.Operation(operation.Kind, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        Step(epoch, batch, score);
    }

    private ActivationBatch Gather(int epoch, ReadOnlySpan<PlanSample> samples, Dictionary<PlanSample, float[]> rows)
    {
        var roster = _plan.Roster(epoch);
        var chosen = samples.ToArray();
        var encoded = Array.ConvertAll(chosen, s => devices[roster[s.Device]][s.Index]);
        return new ActivationBatch(
            chosen.SelectMany(s => rows[s]).ToArray(), Array.ConvertAll(encoded, s => s.Tokens.Length), [.. encoded.SelectMany(s => s.Targets)],
            Array.ConvertAll(chosen, s => SampleKey.Of(roster[s.Device], s.Index)));
    }

    private void Step(int epoch, int batch, TargetScore score)
    {
        var started = Stopwatch.GetTimestamp();
        var rate = _plan.LearningRate(_step);
        var norm = _stage.Step(rate, score.Targets);
        _clock.Step(Stopwatch.GetElapsedTime(started).TotalSeconds);
        if (!double.IsFinite(norm) || !double.IsFinite(score.LossSum))
        {
            Save();
            throw new RunFailedException(
                RunFailure.Broken,
                $"Loss or gradients of step {_step} are not finite (loss {score.MeanLoss}, gradient norm {norm}); the step was not made. Lower splitfrozen.training.learning-rate, or set splitfrozen.training.clip-norm."
                + (_step > 0 ? $" What was trained until step {_step} is kept in {paths.Checkpoints}." : ""));
        }

        _ledger.Trained(epoch, _step, _plan.For(epoch).Batch(batch));
        _lossFirst ??= score.MeanLoss;
        _lossLast = score.MeanLoss;
        observer.On(new RunEvent.StepDone(epoch, _step, score, norm, rate, _ledger.SamplesTrained, 0) { LabelDistance = WatchLabels(epoch, batch) });
        _step++;
    }

    /// <summary>Keeps what was trained, if anything was: a checkpoint and the adapter.</summary>
    private void Save()
    {
        if (_step > 0)
        {
            SaveCheckpoint();
            _stage.SaveAdapter(paths.Adapter);
        }
    }

    private void SaveCheckpoint()
    {
        Checkpoint.Write(paths.Checkpoints, settings.Training.CheckpointKeep, model, trainer, _stage.AdapterTensors(), _stage.OptimizerTensors(), new CheckpointState(
            _step, _epoch, _batch, _ledger.SamplesTrained, settings.Training.Seed,
            [.. devices.OrderBy(d => d.Key).Select(d => new CheckpointDevice(d.Key.Value, d.Value.Count))]));
        observer.On(new RunEvent.CheckpointWritten(paths.Checkpoints, _step));
    }

    private double? WatchLabels(int epoch, int batch)
    {
        if (task != TaskKind.Classification)
        {
            return null;
        }

        if (_mix is null || batch == 0)
        {
            _mix ??= new LabelMixWatch(settings.Training.MixAlarm ?? double.PositiveInfinity);
            _mix.Begin(new LabelMix([.. devices.Values.SelectMany(d => d.SelectMany(s => s.Targets))]));
        }

        var roster = _plan.Roster(epoch);
        var (distance, alarm) = _mix.Note([.. _plan.For(epoch).Batch(batch).ToArray().Select(s => devices[roster[s.Device]][s.Index].Targets[0])]);
        if (alarm is { } excess)
        {
            observer.On(new RunEvent.LabelMixAlarm(epoch, _step, excess));
        }

        return distance;
    }

    private IReadOnlyList<ActivationBatch> Freeze(IReadOnlyList<EncodedSample> samples)
    {
        var started = Stopwatch.GetTimestamp();
        var frozen = Evaluator.Freeze(_frozen, samples, trainer.Cut, settings.Pipeline.UnitTokens);
        _clock.Evaluation(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return frozen;
    }

    private TargetScore Score(string name, int epoch, IReadOnlyList<ActivationBatch> set)
    {
        var started = Stopwatch.GetTimestamp();
        var score = Evaluator.Score(_stage, set);
        _clock.Evaluation(Stopwatch.GetElapsedTime(started).TotalSeconds);
        observer.On(new RunEvent.Evaluated(name, epoch, score));
        return score;
    }

    private RunSummary Summarise(TargetScore before, TargetScore? after, TargetScore? validated, bool completed)
    {
        var adapter = AdapterFile.Of(paths);
        return new RunSummary(
            settings.Training.Method, settings.Training.Seed, settings.Training.Epochs, trainer.Cut, task.ToString(),
            sets.EvaluationName, sets.ValidationName, before.Accuracy, after?.Accuracy, validated?.Accuracy, before.MeanLoss, after?.MeanLoss,
            _lossFirst, _lossLast, _step, _ledger.SamplesTrained, _plan.SamplesExpected, _clock.WallSeconds, adapter.Sha256, adapter.Bytes,
            _stage.TrainableParameters, _clock.Stages, completed, true, [], []).WithMeasures(task, before, after, validated);
    }
}
