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
/// that has one left in the epoch. Devices work one after another in this process, on one pair of stages.
/// </summary>
public sealed class SplitLoraRun : IDisposable
{
    private readonly MethodInputs _inputs;
    private readonly SplitLoraSettings _settings;
    private readonly IFrozenBlocks _embeddings;
    private readonly SplitPair _pair;
    private readonly MethodReport _report;
    private readonly List<SplitDevice> _devices;
    private readonly LearningRateSchedule _schedule;
    private int _rounds;
    private int _serverSteps;

    /// <summary>Loads the model.</summary>
    /// <exception cref="UserErrorException">A setting does not fit the model.</exception>
    public SplitLoraRun(MethodInputs inputs)
    {
        _inputs = inputs;
        _settings = inputs.Settings.SplitLora;
        _embeddings = inputs.Model.LoadFrozen(0);
        _report = new MethodReport(inputs);
        _pair = new SplitPair(inputs.Model, inputs.Trainer, DeviceBlocks(inputs.Settings, inputs.Model.Shape.Layers), _report.Clock);
        var (adapter, optimizer) = (_pair.Device.AdapterTensors(), _pair.Device.OptimizerTensors());
        _devices = [.. inputs.LocalData.Select(d => new SplitDevice(d, adapter, optimizer))];
        var training = inputs.Settings.Training;
        _schedule = new LearningRateSchedule(_settings.LearningRate ?? training.LearningRate, training.Warmup, training.Decay, training.Epochs * ServerStepsPerEpoch());
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
        _report.Started(Epochs, ServerStepsPerEpoch(), _devices.Sum(d => (long)d.Data.Samples), trainable);
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

        return _report.Summarise(done == Epochs, Epochs * _devices.Sum(d => (long)d.Data.Samples), trainable, [], []);
    }

    /// <summary>Frees the model.</summary>
    public void Dispose()
    {
        _embeddings.Dispose();
        _pair.Dispose();
    }

    private int Epochs => _inputs.Settings.Training.Epochs;

    private int ServerStepsPerEpoch() => _settings.Order == SplitLoraOrder.Sequential
        ? _devices.Sum(d => d.Data.BatchesPerEpoch) : _devices.Max(d => d.Data.BatchesPerEpoch);

    private bool TrainEpoch(int epoch, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        for (var round = 0; round < _devices.Max(d => d.Data.BatchesPerEpoch); round++)
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            TrainRound(epoch, round);
            if (++_rounds % _settings.AverageEvery == 0)
            {
                var average = AverageDevice();
                _devices.ForEach(d => d.Adapter = average);
            }
        }

        _report.RoundDone(epoch, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    private void TrainRound(int epoch, int round)
    {
        var sum = default(TargetScore);
        var samples = 0;
        foreach (var device in _devices.Where(d => d.Data.BatchesPerEpoch > round))
        {
            var batch = (epoch * device.Data.BatchesPerEpoch) + round;
            var rate = _schedule.At(_serverSteps);
            device.Enter(_pair.Device);
            sum += _pair.Train(device.Data, _embeddings, batch, _serverSteps, rate);
            device.Leave(_pair.Device);
            samples += device.Data.BatchSamples(batch);
            if (_settings.Order == SplitLoraOrder.Sequential)
            {
                StepServer();
            }
        }

        if (_settings.Order == SplitLoraOrder.Parallel)
        {
            StepServer();
        }

        void StepServer()
        {
            var rate = _schedule.At(_serverSteps++);
            _report.Step(epoch, sum, samples, _pair.StepServer(rate, sum.Targets), rate);
            (sum, samples) = (default, 0);
        }
    }

    private IReadOnlyList<TensorData> AverageDevice() =>
        AdapterAverage.Of([.. _devices.Select(d => (d.Adapter, (double)d.Data.Samples))]);

    private TargetScore Score(IReadOnlyList<ActivationBatch> set)
    {
        _pair.Device.SetAdapter(AverageDevice());
        return set.Aggregate(default(TargetScore), (sum, batch) => sum + _pair.Evaluate(batch));
    }

    /// <summary>A device: its samples, its adapter and its optimiser.</summary>
    private sealed class SplitDevice(LocalData data, IReadOnlyList<TensorData> adapter, IReadOnlyList<TensorData> optimizer)
    {
        private IReadOnlyList<TensorData> _optimizer = optimizer;

        public LocalData Data => data;

        public IReadOnlyList<TensorData> Adapter { get; set; } = adapter;

        /// <summary>The stage becomes this device's.</summary>
        public void Enter(ITrainerStage stage)
        {
            stage.SetAdapter(Adapter);
            stage.SetOptimizer(_optimizer);
        }

        /// <summary>What the stage learned is kept.</summary>
        public void Leave(ITrainerStage stage) => (Adapter, _optimizer) = (stage.AdapterTensors(), stage.OptimizerTensors());
    }
}
