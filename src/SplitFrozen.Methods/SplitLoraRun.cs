using System.Diagnostics;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Methods;

/// <summary>
/// SplitLoRA (Lin et al. 2024): devices hold blocks 0..k with trainable adapters, send activations and get their gradients back; the server trains k..L, which all
/// devices share; each device's adapter has an optimiser of its own, and adapters are averaged by sample counts every I rounds. A round is a batch of each device
/// that has one left in the epoch. Without other devices they work one after another in this process, on one pair of stages.
/// </summary>
public sealed class SplitLoraRun : IDisposable
{
    private readonly MethodInputs _inputs;
    private readonly SplitLoraSettings _settings;
    private readonly IFrozenBlocks _embeddings;
    private readonly SplitPair _pair;
    private readonly MethodReport _report;
    private readonly ISplitDevices _devices;
    private readonly LearningRateSchedule _schedule;
    private int _rounds;
    private int _serverSteps;

    /// <summary>Loads the model.</summary>
    /// <param name="inputs">What is run.</param>
    /// <param name="devices">The devices, given what each of them trains, as it is drawn; null: those of the inputs, in this process.</param>
    /// <exception cref="UserErrorException">A setting does not fit the model.</exception>
    public SplitLoraRun(MethodInputs inputs, Func<ITrainerStage, ISplitDevices>? devices = null)
    {
        _inputs = inputs;
        _settings = inputs.Settings.SplitLora;
        _embeddings = inputs.Model.LoadFrozen(0);
        _report = new MethodReport(inputs);
        _pair = new SplitPair(inputs.Model, inputs.Trainer, DeviceBlocks(inputs.Settings, inputs.Model.Shape.Layers), _report.Clock);
        try
        {
            _devices = devices?.Invoke(_pair.Device) ?? new LocalSplitDevices(inputs.LocalData, _pair.Device, _embeddings, _report.Clock);
            var training = inputs.Settings.Training;
            _schedule = new LearningRateSchedule(_settings.LearningRate ?? training.LearningRate, training.Warmup, training.Decay, training.Epochs * ServerStepsPerEpoch());
        }
        catch
        {
            // Devices that do not come are no reason to keep a model.
            Dispose();
            throw;
        }
    }

    /// <summary>Blocks k that devices hold.</summary>
    /// <exception cref="UserErrorException">That leaves nothing to the server.</exception>
    public static int DeviceBlocks(Settings settings, int layers)
    {
        var blocks = settings.SplitLora.Blocks ?? settings.Model.Cut ?? layers / 2;
        return blocks >= 1 && blocks < layers ? blocks
            : throw new UserErrorException($"splitfrozen.splitlora.blocks = {blocks} leaves nothing to the devices or to the server: the model has {layers} layers, so 1 to {layers - 1} are allowed.");
    }

    /// <summary>Trains to the end, or until <paramref name="stop"/> is cancelled; then what was trained is kept.</summary>
    /// <exception cref="RunFailedException">Loss or gradients stopped being finite.</exception>
    public RunSummary Run(CancellationToken stop)
    {
        var evaluation = _report.Embed(_embeddings, _inputs.Sets.Evaluation);
        var validation = _report.Embed(_embeddings, _inputs.Sets.Validation);
        var trainable = _pair.Device.TrainableParameters + _pair.Server.TrainableParameters;
        _report.Before(() => Score(evaluation));
        _report.Started(Epochs, ServerStepsPerEpoch(), Devices.Sum(d => (long)d.Samples), trainable);
        var done = 0;
        while (done < Epochs && TrainEpoch(done, stop))
        {
            done++;
            _report.AfterRound(done, validation.Count > 0 ? () => Score(validation) : null, () => Score(evaluation));
        }

        if (done == Epochs)
        {
            _report.After(done, () => Score(evaluation));
        }

        if (_report.Steps > 0)
        {
            _inputs.Model.SaveAdapter(_inputs.Paths.Adapter, _inputs.Trainer, [.. AverageDevice(), .. _pair.Server.AdapterTensors()]);
        }

        return _report.Summarise(done == Epochs, Epochs * Devices.Sum(d => (long)d.Samples), trainable, [], _devices.Finish());
    }

    /// <summary>Frees the model.</summary>
    public void Dispose()
    {
        _embeddings.Dispose();
        _pair.Dispose();
    }

    private IReadOnlyList<LocalPlan> Devices => _devices.Devices;

    private int Epochs => _inputs.Settings.Training.Epochs;

    private int ServerStepsPerEpoch() => _settings.Order == SplitLoraOrder.Sequential
        ? Devices.Sum(d => d.BatchesPerEpoch) : Devices.Max(d => d.BatchesPerEpoch);

    private bool TrainEpoch(int epoch, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        for (var round = 0; round < Devices.Max(d => d.BatchesPerEpoch); round++)
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            TrainRound(epoch, round);
            if (++_rounds % _settings.AverageEvery == 0)
            {
                _devices.SetAdapters(AverageDevice());
            }
        }

        _report.RoundDone(epoch, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    private void TrainRound(int epoch, int round)
    {
        var taking = Devices.Where(d => d.BatchesPerEpoch > round).ToList();
        if (_settings.Order == SplitLoraOrder.Sequential)
        {
            taking.ForEach(device => TrainTogether(epoch, round, [device]));
        }
        else
        {
            TrainTogether(epoch, round, taking);
        }
    }

    /// <summary>A batch of each of some devices, which they work on side by side, and one step of the server over all.</summary>
    private void TrainTogether(int epoch, int round, IReadOnlyList<LocalPlan> devices)
    {
        var rate = _schedule.At(_serverSteps);
        var tasks = devices.Select(d => new SplitTask(d, (epoch * d.BatchesPerEpoch) + round, _serverSteps, rate)).ToList();
        _devices.Begin(tasks);
        var sum = tasks.Aggregate(default(TargetScore), (score, task) => score + Train(task));
        _serverSteps++;
        _report.Step(epoch, sum, tasks.Sum(t => t.Device.BatchSamples(t.Batch)), _pair.StepServer(rate, sum.Targets), rate);
    }

    private TargetScore Train(SplitTask task)
    {
        var score = default(TargetScore);
        for (var place = 0; place < task.Device.MicroBatches(task.Batch).Count; place++)
        {
            var rows = _devices.Forward(task, place);
            var gradient = new float[rows.Lengths.Sum() * _embeddings.Width];
            score += _pair.TrainServer(place, task.Step, rows, gradient);
            _devices.Backward(task, place, gradient);
        }

        return score;
    }

    private IReadOnlyList<TensorData> AverageDevice() =>
        AdapterAverage.Of([.. _devices.Adapters().Zip(Devices, (adapter, device) => (adapter, (double)device.Samples))]);

    private TargetScore Score(IReadOnlyList<ActivationBatch> set)
    {
        _pair.Device.SetAdapter(AverageDevice());
        return set.Aggregate(default(TargetScore), (sum, batch) => sum + _pair.Evaluate(batch));
    }
}
