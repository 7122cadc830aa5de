using System.Diagnostics;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>
/// FedLoRA: each round the devices take the average of adapters and head, train it on their own data, and send what they have; the server averages by sample
/// counts. Without other devices they are trained one after another in this process, on one model.
/// </summary>
public sealed class FedLoraRun : IDisposable
{
    private readonly MethodInputs _inputs;
    private readonly FedLoraSettings _settings;
    private readonly FedRounds<LocalPlan> _rounds;
    private readonly IFrozenBlocks _embeddings;
    private readonly ITrainerStage _stage;
    private readonly MethodReport _report;
    private readonly IFedDevices _devices;
    private readonly Dictionary<DeviceId, int> _cursors = [];
    private IReadOnlyList<TensorData> _average;

    /// <summary>Loads the model.</summary>
    /// <param name="inputs">What is run.</param>
    /// <param name="devices">The devices, given what each of them trains, as it is drawn; null: those of the inputs, in this process.</param>
    /// <exception cref="UserErrorException">A setting does not fit the model.</exception>
    public FedLoraRun(MethodInputs inputs, Func<ITrainerStage, IFedDevices>? devices = null)
    {
        _inputs = inputs;
        _settings = inputs.Settings.FedLora;
        _embeddings = inputs.Model.LoadFrozen(0);
        _stage = inputs.Model.LoadTrainer(Trained(inputs));
        _report = new MethodReport(inputs);
        try
        {
            _devices = devices?.Invoke(_stage) ?? new LocalFedDevices(inputs.LocalData, _settings.KeepOptimizer, _stage, _embeddings, _report.Clock);
            _rounds = new FedRounds<LocalPlan>(_settings, inputs.Settings.Training, _devices.Devices);
            _average = _stage.AdapterTensors();
        }
        catch
        {
            // Devices that do not come are no reason to keep a model.
            Dispose();
            throw;
        }
    }

    /// <summary>What server and devices train.</summary>
    private static TrainerSpec Trained(MethodInputs inputs) => inputs.Trainer with { FreezeA = inputs.Settings.FedLora.Variant == FedLoraVariant.Ffa };

    /// <summary>Trains to the end, or until <paramref name="stop"/> is cancelled; then the last average is kept.</summary>
    /// <exception cref="RunFailedException">Loss or gradients stopped being finite.</exception>
    public RunSummary Run(CancellationToken stop)
    {
        var evaluation = _report.Embed(_embeddings, _inputs.Sets.Evaluation);
        var validation = _report.Embed(_embeddings, _inputs.Sets.Validation);
        TargetScore Score(IReadOnlyList<ActivationBatch> set) => Evaluator.Score(_stage, set);

        _report.Before(() => Score(evaluation));
        _report.Started(_rounds.Count, _devices.Devices.Sum(_rounds.Steps), _devices.Devices.Sum(d => (long)d.Samples), _stage.TrainableParameters);
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

        return _report.Summarise(completed, SamplesExpected(), _stage.TrainableParameters, Remarks(), _devices.Finish());
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
        var tasks = _rounds.Returning(round).Select(device => Task(round, device)).ToList();
        if (_devices.Train(new FedRound(round, _average, _rounds.Drawn(round), tasks), Stepped, stop) is not { } results)
        {
            return false;
        }

        foreach (var task in tasks)
        {
            Note(task, results.Any(r => r.Device == task.Device));
        }

        if (results.Count > 0)
        {
            var weighted = results.Select(r => (r.Adapter, (double)r.Device.Samples)).ToList();
            _average = AdapterAverage.Of(weighted);
            KeepResidual(weighted);
        }

        _stage.SetAdapter(_average);
        _report.RoundDone(round, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    private FedTask Task(int round, LocalPlan device) =>
        new(device, round, _cursors.GetValueOrDefault(device.Id), round * _rounds.Steps(device), _rounds.Rates(device, round));

    private void Stepped(FedTask task, int local, LocalStep step) =>
        _report.Step(task.Round, step.Score, task.Device.BatchSamples(task.FirstBatch + local), step.Norm, task.Rates[local]);

    /// <summary>Notes how far a device is in its data. One that was lost on the way goes on later where it began.</summary>
    private void Note(FedTask task, bool hasReturned)
    {
        if (hasReturned)
        {
            _cursors[task.Device.Id] = task.FirstBatch + task.Rates.Length;
            return;
        }

        var samples = Enumerable.Range(task.FirstBatch, task.Rates.Length).Sum(task.Device.BatchSamples);
        _report.LeftOut(task.Round, task.Device.Id, samples);
    }

    /// <summary>FedEx-LoRA: the frozen weights take up the average of the products less the product of the averages.</summary>
    private void KeepResidual(IReadOnlyList<(IReadOnlyList<TensorData> Adapter, double Weight)> results)
    {
        if (_settings.Variant != FedLoraVariant.Exact)
        {
            return;
        }

        var total = results.Sum(r => r.Weight);
        IReadOnlyList<WeightedAdapter> residual = [.. results.Select(r => new WeightedAdapter(r.Weight / total, r.Adapter)), new WeightedAdapter(-1, _average)];
        _stage.AddToFrozen(residual);
        _devices.KeepResidual(residual);
    }

    private long SamplesExpected()
    {
        var cursors = _devices.Devices.ToDictionary(d => d.Id, _ => 0);
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
