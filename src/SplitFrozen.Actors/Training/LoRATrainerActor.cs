using System.Buffers;
using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Actors.Coordination;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Training;

/// <summary>
/// One stage of the trained part: owns its blocks with adapters and optimiser, executes F, B, W and steps as it is told, on a thread of its own, and passes
/// activations up and gradients down. A fault ends the generation: the actor starts again, and all stages go back to the last state they share.
/// </summary>
internal sealed class LoRATrainerActor : ReceiveActor
{
    private readonly IModelSource _model;
    private readonly TrainerSpec _spec;
    private readonly StageMemory _memory;
    private readonly Dictionary<(RowsKind Kind, int Index), StageRows> _inputs = [];
    private readonly Dictionary<int, int[]> _lengths = [];
    private readonly Dictionary<int, StageRows> _gradients = [];
    private StageCollection? _restoring;
    private ITrainerStage? _stage;

    public LoRATrainerActor(IModelSource model, TrainerSpec spec, StageMemory memory)
    {
        (_model, _spec, _memory) = (model, spec, memory);
        Receive<Join>(m => (_memory.Above, _memory.Below) = (m.Above, m.Below));
        Receive<StageRows>(Arrived);
        Receive<FirstForward>(m => IsCurrent(m.Generation), m => Forward(m.Id, m.Batch));
        Receive<Score>(m => IsCurrent(m.Generation), m => Evaluate(new MicroBatchId(0, m.Index), m.Batch));
        Receive<StageCommands.Reset>(Reset);
        Receive<StageCommands.IStageCommand>(m => !IsCurrent(m.Generation), _ => { });
        Receive<StageCommands.Forward>(m => Consume(RowsKind.Activations, m.Id, rows => Forward(m.Id, rows.Batch)));
        Receive<StageCommands.BackwardInput>(BackwardInput);
        Receive<StageCommands.BackwardWeights>(BackwardWeights);
        Receive<StageCommands.ReadGradients>(_ => Tell(new StageEvents.GradientsRead(_memory.Stage, _memory.Generation, Stage.GradientSquares())));
        Receive<StageCommands.Step>(Step);
        Receive<StageCommands.Collect>(_ => SendState());
        Receive<StageCommands.StatePart>(m => (_restoring ??= new StageCollection(1)).Add(new StageEvents.TensorPart(
            _memory.Stage, m.Generation, m.IsOptimizer, m.Name, m.Shape, m.TotalBytes, m.Bytes)));
        Receive<StageCommands.Restore>(Restore);
    }

    private ITrainerStage Stage => _stage!;

    protected override void PreStart()
    {
        try
        {
            _stage = _model.LoadTrainer(_spec);
            _memory.Keep(0, State());
            Tell(new StageEvents.Loaded(_memory.Stage, _memory.Generation, Stage.TrainableParameters));
        }
        catch (UserErrorException e)
        {
            Tell(new StageEvents.LoadFailed(_memory.Stage, _memory.Generation, e.Message));
        }
    }

    /// <summary>The stage itself is loaded with the new generation's state.</summary>
    protected override void PostRestart(Exception reason) =>
        Tell(new StageEvents.Restarted(_memory.Stage, _memory.Generation, reason.Message));

    protected override void PostStop() => Drop();

    private void Tell(object message) => _memory.Coordinator.Tell(message, Self);

    /// <summary>Without a stage (after a restart) nothing is done before the next generation.</summary>
    private bool IsCurrent(int generation) => generation == _memory.Generation && _stage is not null;

    private void Arrived(StageRows rows)
    {
        if (!IsCurrent(rows.Generation))
        {
            rows.Return();
        }
        else if (rows.Kind == RowsKind.Scoring)
        {
            Evaluate(rows.Id, rows.Batch);
            rows.Return();
        }
        else
        {
            _inputs[(rows.Kind, rows.Id.Index)] = rows;
            Tell(new StageEvents.InputArrived(_memory.Stage, _memory.Generation, rows.Id, rows.Kind == RowsKind.Gradients));
        }
    }

    /// <summary>Works on rows that arrived, and gives their buffer back.</summary>
    private void Consume(RowsKind kind, MicroBatchId id, Action<StageRows> work)
    {
        if (!_inputs.Remove((kind, id.Index), out var rows))
        {
            throw new InvalidOperationException($"Stage {_memory.Stage} has no {kind} of micro-batch {id}.");
        }

        work(rows);
        rows.Return();
    }

    private void Forward(MicroBatchId id, ActivationBatch batch)
    {
        var started = Stopwatch.GetTimestamp();
        _lengths[id.Index] = batch.Lengths;
        var output = Rent(Stage.IsLast, batch.Lengths, out var rented);
        var score = Stage.Forward(id.Index, id.Step, batch, output.Span);
        Pass(_memory.Above, RowsKind.Activations, id, batch with { Values = output }, rented);
        Done(started, score);
    }

    private void BackwardInput(StageCommands.BackwardInput m)
    {
        if (Stage.IsLast)
        {
            BackwardInput(m, default);
        }
        else
        {
            Consume(RowsKind.Gradients, m.Id, rows => BackwardInput(m, rows.Batch.Values));
        }
    }

    private void BackwardInput(StageCommands.BackwardInput m, ReadOnlyMemory<float> outputGradient)
    {
        var started = Stopwatch.GetTimestamp();
        var lengths = _lengths[m.Id.Index];
        var gradient = Rent(Stage.IsFirst, lengths, out var rented);
        Stage.BackwardInput(m.Id.Index, outputGradient.Span, gradient.Span);
        var batch = new ActivationBatch(gradient, lengths, [], []);
        if (m.SendGradient)
        {
            Pass(_memory.Below, RowsKind.Gradients, m.Id, batch, rented);
        }
        else if (rented is not null)
        {
            _gradients[m.Id.Index] = new StageRows(_memory.Generation, RowsKind.Gradients, m.Id, batch, rented);
        }

        Done(started, default);
    }

    private void BackwardWeights(StageCommands.BackwardWeights m)
    {
        var started = Stopwatch.GetTimestamp();
        Stage.BackwardWeights(m.Id.Index);
        _lengths.Remove(m.Id.Index);
        if (m.SendGradient && _gradients.Remove(m.Id.Index, out var rows))
        {
            _memory.Below.Tell(rows);
        }

        Done(started, default);
    }

    private void Evaluate(MicroBatchId id, ActivationBatch batch)
    {
        var output = Rent(Stage.IsLast, batch.Lengths, out var rented);
        var score = Stage.Evaluate(batch, output.Span);
        Pass(_memory.Above, RowsKind.Scoring, id, batch with { Values = output }, rented);
        if (Stage.IsLast)
        {
            var (actual, predicted) = score.Confusion?.ToSamples() ?? (Array.Empty<int>(), Array.Empty<int>());
            Tell(new StageEvents.Scored(
                _memory.Stage, _memory.Generation, id.Index, score.LossSum, score.Targets, score.Correct, score.Confusion?.Labels ?? 0, actual, predicted));
        }
    }

    private void Step(StageCommands.Step m)
    {
        var started = Stopwatch.GetTimestamp();
        Stage.Step(m.LearningRate, m.Targets, m.Norm);
        _memory.Keep(m.Number + 1, State());
        Tell(new StageEvents.Stepped(_memory.Stage, _memory.Generation, Stopwatch.GetElapsedTime(started).TotalSeconds));
    }

    /// <summary>Loads the stage anew: gradients and micro-batches in flight of the last generation are gone with the old one.</summary>
    private void Reset(StageCommands.Reset m)
    {
        Drop();
        _memory.Generation = m.Generation;
        var state = _memory.After(m.Steps);
        _stage = _model.LoadTrainer(_spec);
        Stage.SetAdapter(state.Adapter);
        Stage.SetOptimizer(state.Optimizer);
        Tell(new StageEvents.ResetDone(_memory.Stage, m.Generation));
    }

    private void Restore(StageCommands.Restore m)
    {
        var state = _restoring?.State() ?? throw new InvalidOperationException($"Stage {_memory.Stage} was told no state to take.");
        _restoring = null;
        Stage.SetAdapter(state.Adapter);
        Stage.SetOptimizer(state.Optimizer);
        _memory.Begin(m.Steps, State());
        Tell(new StageEvents.Restored(_memory.Stage, m.Generation));
    }

    private void Drop()
    {
        _stage?.Dispose();
        (_stage, _restoring) = (null, null);
        foreach (var rows in _inputs.Values.Concat(_gradients.Values))
        {
            rows.Return();
        }

        _inputs.Clear();
        _gradients.Clear();
        _lengths.Clear();
    }

    private StageState State() => new(Stage.AdapterTensors(), Stage.OptimizerTensors());

    private void SendState()
    {
        var state = State();
        Send(state.Adapter, isOptimizer: false);
        Send(state.Optimizer, isOptimizer: true);
        Tell(new StageEvents.Collected(_memory.Stage, _memory.Generation));
    }

    private void Send(IReadOnlyList<TensorData> tensors, bool isOptimizer)
    {
        foreach (var (tensor, part) in StageState.Parts(tensors))
        {
            Tell(new StageEvents.TensorPart(
                _memory.Stage, _memory.Generation, isOptimizer, tensor.Name, [.. tensor.Shape], tensor.Bytes.Length, part));
        }
    }

    private void Done(long started, TargetScore score) => Tell(new StageEvents.OperationDone(
        _memory.Stage, _memory.Generation, Stopwatch.GetElapsedTime(started).TotalSeconds, Overran: false, score.LossSum, score.Targets, score.Correct));

    /// <summary>Rents room for rows of these lengths, or none at an end of the pipeline.</summary>
    private Memory<float> Rent(bool isEnd, int[] lengths, out float[]? rented)
    {
        var size = isEnd ? 0 : lengths.Sum() * _model.Shape.Width;
        rented = isEnd ? null : ArrayPool<float>.Shared.Rent(size);
        return rented.AsMemory(0, size);
    }

    private void Pass(IActorRef neighbour, RowsKind kind, MicroBatchId id, ActivationBatch batch, float[]? rented)
    {
        if (rented is not null)
        {
            neighbour.Tell(new StageRows(_memory.Generation, kind, id, batch, rented));
        }
    }

    /// <summary>Who takes this stage's rows.</summary>
    internal sealed record Join(IActorRef Above, IActorRef Below) : ILocalMessage;

    /// <summary>F of a micro-batch on the first stage; the batch stays the sender's and lies still until the operation is done.</summary>
    internal sealed record FirstForward(int Generation, MicroBatchId Id, ActivationBatch Batch) : ILocalMessage;

    /// <summary>Score a held-out batch that lies at the frozen line; the last stage tells the result.</summary>
    internal sealed record Score(int Generation, int Index, ActivationBatch Batch) : ILocalMessage;
}
