using System.Buffers;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>A device's blocks 0..k in split training: F of a micro-batch up, B and W on the gradient that comes down, a step after each batch.</summary>
internal sealed class SplitComputeActor : BaselineComputeActor
{
    private SplitDevice _device = null!;
    private SplitTask? _task;
    private int _place;

    public SplitComputeActor(IModelSource model, MethodSpec spec, NodeTurn turn) : base(model, spec, turn) => Receive<StageRows>(Backward);

    protected override void Prepare(RunClock clock) => _device = new SplitDevice(Stage, Embeddings, clock);

    protected override void Took(Parcel parcel)
    {
        Known = Parcel.Whole(parcel.Adapter, Known);
        Stage.SetAdapter(Known);
        if (parcel.Optimizer.Count > 0)
        {
            Stage.SetOptimizer(parcel.Optimizer);
        }
    }

    protected override void Begin(MethodCommands.IMethodCommand command)
    {
        switch (command)
        {
            case MethodCommands.TrainBatch batch:
                (_task, _place) = (new SplitTask(Data, batch.Batch, batch.Step, batch.Rate), 0);
                Forward(default);
                break;
            case MethodCommands.SendState order:
                var adapter = Stage.AdapterTensors();
                Tell(isDone: true, default, new Parcel(ParcelKind.State, order.Number, [], Parcel.Changed(adapter, Known), Stage.OptimizerTensors()).Frames());
                Known = adapter;
                break;
            default:
                throw new InvalidOperationException($"A device of split training has no {command.GetType().Name}.");
        }
    }

    /// <param name="before">What was done just before, and is not told yet.</param>
    private void Forward(WorkDone before)
    {
        var indices = Data.MicroBatches(_task!.Batch)[_place];
        ActivationBatch? rows = null;
        var work = Compute(Flops([indices]).Forward, () => rows = _device.Forward(Data, _task, _place)) with
        {
            ForwardedSamples = indices.Count,
            ForwardedTokens = Data.Lengths(indices).Sum(),
        };
        var rented = ArrayPool<float>.Shared.Rent(rows!.Values.Length);
        rows.Values.CopyTo(rented);
        var sent = new StageRows(0, RowsKind.Activations, new MicroBatchId(_task.Step, _place), rows with { Values = rented.AsMemory(0, rows.Values.Length) }, rented);
        Tell(isDone: false, before + work, new StageFrame.RowsFor(0, sent));
    }

    private void Backward(StageRows gradient)
    {
        if (_task is null || gradient.Kind != RowsKind.Gradients || gradient.Id != new MicroBatchId(_task.Step, _place))
        {
            gradient.Return();
            throw new InvalidOperationException($"A gradient of micro-batch {gradient.Id} came where none of it is due.");
        }

        var flops = Flops([Data.MicroBatches(_task.Batch)[_place]]);
        var isDone = false;
        var work = Compute(flops.BackwardInput + flops.BackwardWeights, () => isDone = _device.Backward(Data, _task, _place, gradient.Batch.Values));
        gradient.Return();
        if (isDone)
        {
            _task = null;
            Tell(isDone: true, work);
            return;
        }

        _place++;
        Forward(work);
    }
}
