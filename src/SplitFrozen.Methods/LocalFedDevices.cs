using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>Devices of federated training in this process, one after another on the run's own model.</summary>
/// <param name="data">The devices' samples.</param>
/// <param name="keepOptimizer">Whether devices keep their optimiser's state from round to round.</param>
/// <param name="stage">The run's model.</param>
/// <param name="embeddings">The embeddings.</param>
/// <param name="clock">Adds up the time.</param>
internal sealed class LocalFedDevices(
    IReadOnlyList<LocalData> data, bool keepOptimizer, ITrainerStage stage, IFrozenBlocks embeddings, RunClock clock) : IFedDevices
{
    private readonly FedDevice _device = new(stage, embeddings, clock);
    private readonly Dictionary<DeviceId, IReadOnlyList<TensorData>> _optimizers = [];

    /// <inheritdoc/>
    public IReadOnlyList<LocalPlan> Devices => data;

    /// <inheritdoc/>
    public IReadOnlyList<FedResult>? Train(FedRound round, Action<FedTask, int, LocalStep> stepped, CancellationToken stop)
    {
        var results = new List<FedResult>();
        foreach (var task in round.Tasks)
        {
            if (!Train(task, round.Average, stepped, stop))
            {
                return null;
            }

            results.Add(new FedResult(task.Device, stage.AdapterTensors()));
        }

        return results;
    }

    /// <summary>The devices train the run's own model, which has taken it up.</summary>
    public void KeepResidual(IReadOnlyList<WeightedAdapter> adapters)
    {
    }

    /// <inheritdoc/>
    public FleetReport Finish() => FleetReport.None;

    /// <returns>Whether all steps were made.</returns>
    private bool Train(FedTask task, IReadOnlyList<TensorData> average, Action<FedTask, int, LocalStep> stepped, CancellationToken stop)
    {
        var id = task.Device.Id;
        _device.Begin(data.Single(d => d.Id == id), task, average, _optimizers.GetValueOrDefault(id));
        for (var local = 0; !_device.IsDone; local++)
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            stepped(task, local, _device.Next());
        }

        if (keepOptimizer)
        {
            _optimizers[id] = stage.OptimizerTensors();
        }

        return true;
    }
}
