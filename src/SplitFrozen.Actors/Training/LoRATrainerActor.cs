using System.Buffers;
using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Costs;
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
    private readonly Dictionary<int, (int[] Lengths, OperationFlops Flops)> _open = [];
    private readonly Dictionary<int, StageRows> _gradients = [];
    private ITrainerStage? _stage;
    private StageCommands.Reset? _reset;

    public LoRATrainerActor(IModelSource model, TrainerSpec spec, StageMemory memory)
    {
        (_model, _spec, _memory) = (model, spec, memory);
        Receive<Join>(m => (_memory.Above, _memory.Below) = (m.Above, m.Below));
        Receive<StageRows>(Arrived);
        Receive<FirstForward>(m => IsCurrent(m.Generation), m => Forward(m.Id, m.Batch));
        Receive<Score>(m => IsCurrent(m.Generation), m => Evaluate(new MicroBatchId(0, m.Index), m.Batch));
        Receive<StageCommands.Reset>(Reset);
        Receive<StateArrived>(_ => Restore());
        Receive<StageCommands.IStageCommand>(m => !IsCurrent(m.Generation), _ => { });
        Receive<StageCommands.Forward>(m => Consume(RowsKind.Activations, m.Id, rows => Forward(m.Id, rows.Batch)));
        Receive<StageCommands.BackwardInput>(BackwardInput);
        Receive<StageCommands.BackwardWeights>(BackwardWeights);
        Receive<StageCommands.ReadGradients>(_ => Tell(new StageEvents.GradientsRead(_memory.Stage, _memory.Generation, Stage.GradientSquares())));
        Receive<StageCommands.Step>(Step);
    }

    private ITrainerStage Stage => _stage!;

    protected override void PreStart()
    {
        try
        {
            _stage = _model.LoadTrainer(_spec);
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
        var flops = Flops(batch);
        _open[id.Index] = (batch.Lengths, flops);
        var output = Rent(Stage.IsLast, batch.Lengths, out var rented);
        var score = IsEmpty(batch.Lengths) ? default : Stage.Forward(id.Index, id.Step, batch, output.Span);
        var overran = Overran(started, flops.Forward);
        Pass(_memory.Above, RowsKind.Activations, id, batch with { Values = output }, rented);
        Done(started, overran, score);
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
        var (lengths, flops) = _open[m.Id.Index];
        var gradient = Rent(Stage.IsFirst, lengths, out var rented);
        if (!IsEmpty(lengths))
        {
            Stage.BackwardInput(m.Id.Index, outputGradient.Span, gradient.Span);
        }

        var overran = Overran(started, flops.BackwardInput);
        var batch = new ActivationBatch(gradient, lengths, [], []);
        if (m.SendGradient)
        {
            Pass(_memory.Below, RowsKind.Gradients, m.Id, batch, rented);
        }
        else if (rented is not null)
        {
            _gradients[m.Id.Index] = new StageRows(_memory.Generation, RowsKind.Gradients, m.Id, batch, rented);
        }

        Done(started, overran, default);
    }

    private void BackwardWeights(StageCommands.BackwardWeights m)
    {
        var started = Stopwatch.GetTimestamp();
        _open.Remove(m.Id.Index, out var open);
        if (!IsEmpty(open.Lengths))
        {
            Stage.BackwardWeights(m.Id.Index);
        }

        var overran = Overran(started, open.Flops.BackwardWeights);
        if (m.SendGradient && _gradients.Remove(m.Id.Index, out var rows))
        {
            _memory.Below!(rows);
        }

        Done(started, overran, default);
    }

    /// <summary>A micro-batch whose samples were all struck takes its place in the schedule, and nothing is computed for it.</summary>
    private static bool IsEmpty(int[] lengths) => lengths.Length == 0;

    private void Evaluate(MicroBatchId id, ActivationBatch batch)
    {
        var started = Stopwatch.GetTimestamp();
        var output = Rent(Stage.IsLast, batch.Lengths, out var rented);
        var score = Stage.Evaluate(batch, output.Span);
        Overran(started, Flops(batch).Forward);
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
        _memory.States.Keep(_memory.Stage, m.Number + 1, new StageState(Stage.AdapterTensors(), Stage.OptimizerTensors()));
        Tell(new StageEvents.Stepped(_memory.Stage, _memory.Generation, Stopwatch.GetElapsedTime(started).TotalSeconds));
    }

    /// <summary>Loads the stage anew: gradients and micro-batches in flight of the last generation are gone with the old one.</summary>
    private void Reset(StageCommands.Reset m)
    {
        Drop();
        (_memory.Generation, _reset) = (m.Generation, m);
        Restore();
    }

    /// <summary>Goes back to the state that was asked for, if it is here; before the first step it is that of a stage just loaded.</summary>
    private void Restore()
    {
        if (_reset is not { } order)
        {
            return;
        }

        var state = order.Steps == 0 ? null : _memory.States.After(_memory.Stage, order.Steps);
        if (order.Steps > 0 && state is null)
        {
            return;
        }

        _reset = null;
        _stage = _model.LoadTrainer(_spec);
        if (state is not null)
        {
            Stage.SetAdapter(state.Adapter);
            Stage.SetOptimizer(state.Optimizer);
        }

        Tell(new StageEvents.ResetDone(_memory.Stage, order.Generation));
    }

    private void Drop()
    {
        _stage?.Dispose();
        _stage = null;
        foreach (var rows in _inputs.Values.Concat(_gradients.Values))
        {
            rows.Return();
        }

        _inputs.Clear();
        _gradients.Clear();
        _open.Clear();
    }

    private void Done(long started, bool overran, TargetScore score) => Tell(new StageEvents.OperationDone(
        _memory.Stage, _memory.Generation, Stopwatch.GetElapsedTime(started).TotalSeconds, overran, score.LossSum, score.Targets, score.Correct));

    /// <summary>Waits as long as the emulated node would have taken, if one is emulated.</summary>
    /// <returns>Whether it really took longer.</returns>
    private bool Overran(long started, double flops) => _memory.Pace?.Finish(started, Stopwatch.GetTimestamp(), flops) ?? false;

    private OperationFlops Flops(ActivationBatch batch) => _memory.Pace is null ? default : TrainingCosts.Stage(
        _model.Shape, _spec, batch.Lengths, _spec.Task == TaskKind.Classification ? batch.Lengths.Length : batch.Targets.Count(t => t != Target.Ignored));

    /// <summary>Rents room for rows of these lengths, or none at an end of the pipeline.</summary>
    private Memory<float> Rent(bool isEnd, int[] lengths, out float[]? rented)
    {
        var size = isEnd ? 0 : lengths.Sum() * _model.Shape.Width;
        rented = isEnd ? null : ArrayPool<float>.Shared.Rent(size);
        return rented.AsMemory(0, size);
    }

    private void Pass(Action<StageRows>? neighbour, RowsKind kind, MicroBatchId id, ActivationBatch batch, float[]? rented)
    {
        if (rented is not null)
        {
            neighbour!(new StageRows(_memory.Generation, kind, id, batch, rented));
        }
    }

    /// <summary>What takes this stage's rows: a neighbour, or a link to its node. Null at the ends.</summary>
    internal sealed record Join(Action<StageRows>? Above, Action<StageRows>? Below) : ILocalMessage;

    /// <summary>A state of the stage came from the main server node.</summary>
    internal sealed record StateArrived : ILocalMessage
    {
        public static StateArrived Instance { get; } = new();
    }

    /// <summary>F of a micro-batch on the first stage; the batch stays the sender's and lies still until the operation is done.</summary>
    internal sealed record FirstForward(int Generation, MicroBatchId Id, ActivationBatch Batch) : ILocalMessage;

    /// <summary>Score a held-out batch that lies at the frozen line; the last stage tells the result.</summary>
    internal sealed record Score(int Generation, int Index, ActivationBatch Batch) : ILocalMessage;
}
