using System.Buffers;
using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Training;

/// <summary>Owns blocks C..L with adapters, head and optimiser; executes F, B, W and steps as it is told, on a thread of its own.</summary>
internal sealed class LoRATrainerActor : ReceiveActor
{
    private readonly IModelSource _model;
    private readonly TrainerSpec _spec;
    private ITrainerStage? _stage;

    public LoRATrainerActor(IModelSource model, TrainerSpec spec)
    {
        (_model, _spec) = (model, spec);
        Receive<Forward>(RunForward);
        Receive<BackwardInput>(m => Timed(() => Stage.BackwardInput(m.Id.Index), s => new OperationDone(s)));
        Receive<BackwardWeights>(m => Timed(() => Stage.BackwardWeights(m.Id.Index), s => new OperationDone(s)));
        Receive<Step>(m => Timed(() => Stage.Step(m.LearningRate, m.Targets), (norm, s) => new Stepped(norm, s)));
        Receive<Evaluate>(m => Timed(() => Evaluator.Score(Stage, m.Batches), (score, s) => new Evaluated(m.Name, score, s)));
        Receive<SaveCheckpoint>(m => Timed(() => Checkpoint.Write(m.Paths, Stage, m.State), s => new Saved(m.State.Step, s)));
        Receive<SaveAdapter>(m => Timed(() => Stage.SaveAdapter(m.Folder), s => new AdapterSaved(s)));
    }

    private ITrainerStage Stage => _stage!;

    protected override void PreStart()
    {
        _stage = _model.LoadTrainer(_spec);
        Context.Parent.Tell(new Loaded(_stage.TrainableParameters));
    }

    protected override void PostStop() => _stage?.Dispose();

    private void RunForward(Forward m)
    {
        try
        {
            Timed(() => Stage.Forward(m.Id.Index, m.Id.Step, m.Batch), (score, s) => new ForwardDone(m.Id, score, s));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(m.Rented);
        }
    }

    private void Timed(Action work, Func<double, object> answer) =>
        Timed(
            () =>
            {
                work();
                return true;
            },
            (_, seconds) => answer(seconds));

    private void Timed<T>(Func<T> work, Func<T, double, object> answer)
    {
        var started = Stopwatch.GetTimestamp();
        var result = work();
        Sender.Tell(answer(result, Stopwatch.GetElapsedTime(started).TotalSeconds));
    }

    /// <summary>F of a micro-batch; <paramref name="Rented"/> goes back to the shared pool afterwards.</summary>
    internal sealed record Forward(MicroBatchId Id, ActivationBatch Batch, float[] Rented) : ILocalMessage;

    /// <summary>B of a micro-batch.</summary>
    internal sealed record BackwardInput(MicroBatchId Id) : ILocalMessage;

    /// <summary>W of a micro-batch.</summary>
    internal sealed record BackwardWeights(MicroBatchId Id) : ILocalMessage;

    /// <summary>The optimiser's step of a global batch.</summary>
    internal sealed record Step(double LearningRate, long Targets) : ILocalMessage;

    /// <summary>Score a held-out set that lies at the frozen line.</summary>
    internal sealed record Evaluate(string Name, IReadOnlyList<ActivationBatch> Batches) : ILocalMessage;

    /// <summary>Write a checkpoint.</summary>
    internal sealed record SaveCheckpoint(RunPaths Paths, CheckpointState State) : ILocalMessage;

    /// <summary>Write the adapter as a PEFT folder.</summary>
    internal sealed record SaveAdapter(string Folder) : ILocalMessage;

    /// <summary>The stage is loaded.</summary>
    internal sealed record Loaded(long TrainableParameters) : ILocalMessage;

    /// <summary>F is done.</summary>
    internal sealed record ForwardDone(MicroBatchId Id, TargetScore Score, double Seconds) : ILocalMessage;

    /// <summary>B or W is done.</summary>
    internal sealed record OperationDone(double Seconds) : ILocalMessage;

    /// <summary>The step is made.</summary>
    internal sealed record Stepped(double GradientNorm, double Seconds) : ILocalMessage;

    /// <summary>A held-out set is scored.</summary>
    internal sealed record Evaluated(string Name, TargetScore Score, double Seconds) : ILocalMessage;

    /// <summary>A checkpoint is written.</summary>
    internal sealed record Saved(int Step, double Seconds) : ILocalMessage;

    /// <summary>The adapter is written.</summary>
    internal sealed record AdapterSaved(double Seconds) : ILocalMessage;
}
