using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>
/// Owns the model of one device that trains, and works on one command at a time, on a thread of its own; a child of the device, and gone with its life. Each
/// message is one operation, so that a device that ends need not wait for a round.
/// </summary>
internal abstract class BaselineComputeActor : ReceiveActor
{
    private readonly IModelSource _model;
    private readonly NodeTurn _turn;

    /// <param name="model">The model folder.</param>
    /// <param name="spec">What is trained.</param>
    /// <param name="turn">The node's.</param>
    protected BaselineComputeActor(IModelSource model, MethodSpec spec, NodeTurn turn)
    {
        (_model, Spec, _turn, Trained) = (model, spec, turn, BaselineSpec.Trainer(spec));
        Receive<Use>(m => Data = m.Data);
        Receive<Take>(m => Took(m.Parcel));
        Receive<MethodCommands.IMethodCommand>(Begin);
    }

    /// <summary>What is trained.</summary>
    protected MethodSpec Spec { get; }

    /// <summary>The same, for the model.</summary>
    protected TrainerSpec Trained { get; }

    /// <summary>The device's samples.</summary>
    protected LocalData Data { get; private set; } = null!;

    /// <summary>Adapters as both ends have them: as drawn, or as they travelled last.</summary>
    protected IReadOnlyList<TensorData> Known { get; set; } = [];

    protected ITrainerStage Stage { get; private set; } = null!;

    protected IFrozenBlocks Embeddings { get; private set; } = null!;

    protected override void PreStart()
    {
        Embeddings = _model.LoadFrozen(0);
        Stage = _model.LoadTrainer(Trained);
        Known = Stage.AdapterTensors();
        Prepare(new RunClock());
        Context.Parent.Tell(Loaded.Instance);
    }

    protected override void PostStop()
    {
        Stage?.Dispose();
        Embeddings?.Dispose();
    }

    /// <summary>The model is loaded.</summary>
    /// <param name="clock">A device's clock is its own.</param>
    protected abstract void Prepare(RunClock clock);

    /// <summary>Something came from the server.</summary>
    protected abstract void Took(Parcel parcel);

    /// <summary>Begins a command; the one before it is done.</summary>
    protected abstract void Begin(MethodCommands.IMethodCommand command);

    /// <summary>Runs an operation when it is the device's turn.</summary>
    /// <returns>What it took, without samples.</returns>
    protected WorkDone Compute(double flops, Action work)
    {
        var (seconds, overran) = _turn.Run(flops, work);
        return new WorkDone(0, 0, flops, 0, seconds, 1, overran ? 1 : 0);
    }

    /// <summary>Operations of F, B and W of some micro-batches, by the cost model.</summary>
    protected OperationFlops Flops(IEnumerable<IReadOnlyList<int>> microBatches) => microBatches.Aggregate(
        default(OperationFlops), (sum, indices) => sum + TrainingCosts.Stage(_model.Shape, Trained, Data.Lengths(indices), Data.TargetRows(indices)));

    /// <summary>Tells the device what was done, and what to send.</summary>
    protected static void Tell(bool isDone, WorkDone work, params IEnumerable<StageFrame> frames) => Context.Parent.Tell(new Output(isDone, work, [.. frames]));

    /// <summary>The model is loaded.</summary>
    internal sealed record Loaded : ILocalMessage
    {
        public static Loaded Instance { get; } = new();
    }

    /// <summary>These are the device's samples.</summary>
    internal sealed record Use(LocalData Data) : ILocalMessage;

    /// <summary>Tensors came from the server.</summary>
    internal sealed record Take(Parcel Parcel) : ILocalMessage;

    /// <summary>Something was done.</summary>
    /// <param name="IsDone">Whether the command is.</param>
    /// <param name="Work">What was done since the last time.</param>
    /// <param name="Frames">To be sent to the server.</param>
    internal sealed record Output(bool IsDone, WorkDone Work, IReadOnlyList<StageFrame> Frames) : ILocalMessage;
}
