using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>Devices of split training in this process, one after another on one stage.</summary>
internal sealed class LocalSplitDevices : ISplitDevices
{
    private readonly IReadOnlyList<LocalData> _data;
    private readonly ITrainerStage _stage;
    private readonly SplitDevice _device;
    private readonly Dictionary<DeviceId, (IReadOnlyList<TensorData> Adapter, IReadOnlyList<TensorData> Optimizer)> _states;

    /// <param name="data">The devices' samples.</param>
    /// <param name="stage">Blocks 0..k.</param>
    /// <param name="embeddings">The embeddings.</param>
    /// <param name="clock">Adds up the time.</param>
    public LocalSplitDevices(IReadOnlyList<LocalData> data, ITrainerStage stage, IFrozenBlocks embeddings, RunClock clock)
    {
        (_data, _stage, _device) = (data, stage, new SplitDevice(stage, embeddings, clock));
        var (adapter, optimizer) = (stage.AdapterTensors(), stage.OptimizerTensors());
        _states = data.ToDictionary(d => d.Id, _ => (adapter, optimizer));
    }

    /// <inheritdoc/>
    public IReadOnlyList<LocalPlan> Devices => _data;

    /// <summary>Nothing to do: each batch is run when its rows are asked for.</summary>
    public void Begin(IReadOnlyList<SplitTask> tasks)
    {
    }

    /// <inheritdoc/>
    public ActivationBatch Forward(SplitTask task, int place)
    {
        if (place == 0)
        {
            var (adapter, optimizer) = _states[task.Device.Id];
            _stage.SetAdapter(adapter);
            _stage.SetOptimizer(optimizer);
        }

        return _device.Forward(Data(task), task, place);
    }

    /// <inheritdoc/>
    public void Backward(SplitTask task, int place, float[] gradient)
    {
        if (_device.Backward(Data(task), task, place, gradient))
        {
            _states[task.Device.Id] = (_stage.AdapterTensors(), _stage.OptimizerTensors());
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<TensorData>> Adapters() => [.. _data.Select(d => _states[d.Id].Adapter)];

    /// <inheritdoc/>
    public void SetAdapters(IReadOnlyList<TensorData> average)
    {
        foreach (var device in _data)
        {
            _states[device.Id] = (average, _states[device.Id].Optimizer);
        }
    }

    /// <inheritdoc/>
    public FleetReport Finish() => FleetReport.None;

    private LocalData Data(SplitTask task) => _data.Single(d => d.Id == task.Device.Id);
}
