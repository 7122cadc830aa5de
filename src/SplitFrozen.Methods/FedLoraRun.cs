using System.Diagnostics;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>
/// FedLoRA: each round the devices take the average of adapters and head, train it on their own data, and send what they have; the server averages by sample
/// counts. Devices are trained one after another in this process, on one model.
/// </summary>
public sealed class FedLoraRun : IDisposable
{
    private readonly MethodInputs _inputs;
    private readonly FedLoraSettings _settings;
    private readonly FedRounds _rounds;
    private readonly IFrozenBlocks _embeddings;
    private readonly ITrainerStage _stage;
    private readonly MethodReport _report;
    private readonly StepLoop _loop;
    private readonly IReadOnlyList<TensorData> _newOptimizer;
    private readonly Dictionary<DeviceId, IReadOnlyList<TensorData>> _optimizers = [];
    private readonly Dictionary<DeviceId, int> _cursors = [];
    private IReadOnlyList<TensorData> _average;

    /// <summary>Loads the model.</summary>
    /// <exception cref="UserErrorException">A setting does not fit the model.</exception>
    public FedLoraRun(MethodInputs inputs)
    {
        _inputs = inputs;
        _settings = inputs.Settings.FedLora;
        _rounds = new FedRounds(_settings, inputs.Settings.Training, inputs.LocalData);
        _embeddings = inputs.Model.LoadFrozen(0);
        _stage = inputs.Model.LoadTrainer(inputs.Trainer with { FreezeA = _settings.Variant == FedLoraVariant.Ffa });
        _report = new MethodReport(inputs);
        _loop = new StepLoop(_stage, _embeddings, _report.Clock);
        _average = _stage.AdapterTensors();
        _newOptimizer = _stage.OptimizerTensors();
    }

    /// <summary>Trains to the end, or until <paramref name="stop"/> is cancelled; then the last average is kept.</summary>
    /// <exception cref="RunFailedException">Loss or gradients stopped being finite.</exception>
    public RunSummary Run(CancellationToken stop)
    {
        var evaluation = _report.Embed(_embeddings, _inputs.Sets.Evaluation);
        var validation = _report.Embed(_embeddings, _inputs.Sets.Validation);
        TargetScore Score(IReadOnlyList<ActivationBatch> set) => Evaluator.Score(_stage, set);

        _report.Before(() => Score(evaluation));
        var devices = _inputs.LocalData;
        _report.Started(_rounds.Count, devices.Sum(_rounds.Steps), devices.Sum(d => (long)d.Samples), _stage.TrainableParameters);
        var done = 0;
        while (done < _rounds.Count && TrainRound(done, stop))
        {
            done++;
            _report.AfterRound(done, validation.Count > 0 ? () => Score(validation) : null, () => Score(evaluation));
        }

        var completed = done == _rounds.Count;
        if (completed)
        {
            _report.After(done, () => Score(evaluation));
        }

        if (done > 0)
        {
            _stage.SetAdapter(_average);
            _stage.SaveAdapter(_inputs.Paths.Adapter);
        }

        return _report.Summarise(completed, SamplesExpected(), _stage.TrainableParameters, Remarks(), []);
    }

    /// <summary>Frees the model.</summary>
    public void Dispose()
    {
        _embeddings.Dispose();
        _stage.Dispose();
    }

    /// <summary>Trains a round.</summary>
    /// <returns>Whether it was trained whole; if not, the average is that of the round before.</returns>
    private bool TrainRound(int round, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var results = new List<(IReadOnlyList<TensorData> Adapter, double Weight)>();
        foreach (var device in _rounds.Returning(round))
        {
            if (!TrainDevice(round, device, stop))
            {
                return false;
            }

            results.Add((_stage.AdapterTensors(), device.Samples));
        }

        if (results.Count > 0)
        {
            _average = AdapterAverage.Of(results);
            KeepResidual(results);
        }

        _stage.SetAdapter(_average);
        _report.RoundDone(round, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    private bool TrainDevice(int round, LocalData device, CancellationToken stop)
    {
        var steps = _rounds.Steps(device);
        var schedule = new LearningRateSchedule(
            _settings.LearningRate ?? _inputs.Settings.Training.LearningRate, _inputs.Settings.Training.Warmup, _inputs.Settings.Training.Decay, _rounds.Count * steps);
        _stage.SetAdapter(_average);
        _stage.SetOptimizer(_settings.KeepOptimizer ? _optimizers.GetValueOrDefault(device.Id, _newOptimizer) : _newOptimizer);
        for (var local = 0; local < steps; local++)
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            var step = (round * steps) + local;
            var rate = schedule.At(step);
            var batch = _cursors.GetValueOrDefault(device.Id);
            _cursors[device.Id] = batch + 1;
            var (score, norm) = _loop.Train(device, batch, step, rate);
            _report.Step(round, score, device.BatchSamples(batch), norm, rate);
        }

        if (_settings.KeepOptimizer)
        {
            _optimizers[device.Id] = _stage.OptimizerTensors();
        }

        return true;
    }

    /// <summary>FedEx-LoRA: the frozen weights take up the average of the products less the product of the averages.</summary>
    private void KeepResidual(IReadOnlyList<(IReadOnlyList<TensorData> Adapter, double Weight)> results)
    {
        if (_settings.Variant != FedLoraVariant.Exact)
        {
            return;
        }

        var total = results.Sum(r => r.Weight);
        _stage.AddToFrozen([.. results.Select(r => new WeightedAdapter(r.Weight / total, r.Adapter)), new WeightedAdapter(-1, _average)]);
    }

    private long SamplesExpected()
    {
        var cursors = _inputs.LocalData.ToDictionary(d => d.Id, _ => 0);
        return Enumerable.Range(0, _rounds.Count).SelectMany(_rounds.Returning).Sum(device =>
        {
            var first = cursors[device.Id];
            cursors[device.Id] += _rounds.Steps(device);
            return Enumerable.Range(first, _rounds.Steps(device)).Sum(batch => (long)device.BatchSamples(batch));
        });
    }

    private IReadOnlyList<string> Remarks() => _settings.Variant == FedLoraVariant.Exact
        ? ["FedEx-LoRA changed the frozen weights: the adapter alone, on the model that it was trained from, does not give the accuracy that was measured here."]
        : [];
}
