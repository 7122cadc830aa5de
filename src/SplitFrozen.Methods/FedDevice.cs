using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Methods;

/// <summary>What a device of federated training does: steps on its own data with the whole model.</summary>
/// <param name="stage">The whole model.</param>
/// <param name="embeddings">The embeddings.</param>
/// <param name="clock">Adds up the time.</param>
internal sealed class FedDevice(ITrainerStage stage, IFrozenBlocks embeddings, RunClock clock)
{
    private readonly StepLoop _loop = new(stage, embeddings, clock);
    private readonly IReadOnlyList<TensorData> _newOptimizer = stage.OptimizerTensors();
    private LocalData? _data;
    private FedTask? _task;
    private int _done;

    /// <summary>Begins a round.</summary>
    /// <param name="data">The device's samples.</param>
    /// <param name="task">What to do.</param>
    /// <param name="adapter">Adapters and head to begin with.</param>
    /// <param name="optimizer">State of the optimiser to go on with, or null: a new one.</param>
    public void Begin(LocalData data, FedTask task, IReadOnlyList<TensorData> adapter, IReadOnlyList<TensorData>? optimizer)
    {
        (_data, _task, _done) = (data, task, 0);
        stage.SetAdapter(adapter);
        stage.SetOptimizer(optimizer ?? _newOptimizer);
    }

    /// <summary>Whether all steps of the round are made.</summary>
    public bool IsDone => _task is null || _done == _task.Rates.Length;

    /// <summary>Makes the round's next step, of which there must be one.</summary>
    public LocalStep Next()
    {
        var (score, norm) = _loop.Train(_data!, _task!.FirstBatch + _done, _task.FirstStep + _done, _task.Rates[_done]);
        _done++;
        return new LocalStep(score, norm);
    }
}
