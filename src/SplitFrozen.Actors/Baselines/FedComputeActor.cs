using Akka.Actor;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>A federated device's model: trains rounds, a step a message.</summary>
internal sealed class FedComputeActor : BaselineComputeActor
{
    private readonly SortedDictionary<int, List<WeightedAdapter>> _residuals = [];
    private readonly List<LocalStep> _steps = [];
    private FedDevice _device = null!;
    private MethodCommands.TrainRound? _round;
    private IReadOnlyList<TensorData>? _optimizer;

    public FedComputeActor(IModelSource model, MethodSpec spec, NodeTurn turn) : base(model, spec, turn) => Receive<Next>(m => m.Command == _round?.Number, _ => Step());

    protected override void Prepare(RunClock clock) => _device = new FedDevice(Stage, Embeddings, clock);

    protected override void Took(Parcel parcel)
    {
        if (parcel.Kind == ParcelKind.Residual)
        {
            if (!_residuals.TryGetValue(parcel.Number, out var part))
            {
                _residuals[parcel.Number] = part = [];
            }

            part.Add(new WeightedAdapter(parcel.Notes[0], parcel.Adapter));
            return;
        }

        Known = Parcel.Whole(parcel.Adapter, Known);
        _optimizer = parcel.Optimizer.Count > 0 ? parcel.Optimizer : _optimizer;
    }

    protected override void Begin(MethodCommands.IMethodCommand command)
    {
        _round = command as MethodCommands.TrainRound ?? throw new InvalidOperationException($"A federated device has no {command.GetType().Name}.");
        foreach (var residual in _residuals.Values)
        {
            Stage.AddToFrozen(residual);
        }

        _residuals.Clear();
        _steps.Clear();
        _device.Begin(Data, new FedTask(Data, _round.Round, _round.FirstBatch, _round.FirstStep, _round.Rates), Known, _optimizer);
        Self.Tell(new Next(_round.Number));
    }

    private void Step()
    {
        var batch = _round!.FirstBatch + _steps.Count;
        var parts = Data.MicroBatches(batch);
        var step = default(LocalStep);
        var work = Compute(Flops(parts).Total, () => step = _device.Next()) with
        {
            ForwardedSamples = Data.BatchSamples(batch),
            ForwardedTokens = parts.Sum(indices => (long)Data.Lengths(indices).Sum()),
        };
        _steps.Add(step);
        if (!_device.IsDone)
        {
            Tell(isDone: false, work);
            Self.Tell(new Next(_round.Number));
            return;
        }

        // An optimiser that goes on is sent along, so that a later life of the device has it.
        _optimizer = Spec.KeepOptimizer ? Stage.OptimizerTensors() : null;
        double[] notes = [.. _steps.SelectMany(s => new[] { s.Score.LossSum, s.Score.Targets, s.Score.Correct, s.Norm })];
        Tell(
            isDone: true, work,
            new Parcel(ParcelKind.State, _round.Number, notes, Parcel.Changed(Stage.AdapterTensors(), Known), _optimizer ?? []).Frames());
    }

    private sealed record Next(int Command) : ILocalMessage;
}
