using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>Rounds of federated training on devices of other nodes. A device that is lost in a round begins it anew in its next life, from what the server sends it.</summary>
/// <param name="sessions">The devices.</param>
/// <param name="template">What each of them trains.</param>
/// <param name="keepsOptimizer">Whether devices go on with their optimiser's state.</param>
internal sealed class FedFleet(IReadOnlyDictionary<DeviceId, BaselineSession> sessions, StageState template, bool keepsOptimizer) : MethodFleet(sessions, template)
{
    private const int NotesPerStep = 4;

    private readonly List<IReadOnlyList<WeightedAdapter>> _residuals = [];
    private readonly Dictionary<DeviceId, IReadOnlyList<TensorData>> _optimizers = [];
    private readonly Dictionary<DeviceId, FedTask?> _open = [];
    private readonly Dictionary<DeviceId, FedAnswer> _answers = [];
    private Train? _round;
    private bool _isCancelled;

    protected override void On(IFleetOrder order)
    {
        switch (order)
        {
            case KeepResidual keep:
                _residuals.Add(keep.Adapters);
                break;
            case Train train when _isCancelled:
                train.Done.TrySetResult(null);
                break;
            case Train train:
                Begin(train);
                break;
            case Cancel:
                _isCancelled = true;
                _open.Clear();
                Complete(null);
                break;
        }
    }

    public override void Ready(BaselineSession session)
    {
        if (_round is not null && _open.TryGetValue(session.Entry.Id, out var task))
        {
            Order(session, task);
        }
    }

    public override void Arrived(BaselineSession session, Parcel parcel)
    {
        session.Answered(parcel.Number);
        var id = session.Entry.Id;
        if (_round is null || !_open.TryGetValue(id, out var task) || task is null)
        {
            return;
        }

        _open.Remove(id);
        if (keepsOptimizer)
        {
            _optimizers[id] = parcel.Optimizer;
        }

        _answers[id] = new FedAnswer(task, Parcel.Whole(parcel.Adapter, session.Known), Steps(parcel.Notes));
        CompleteWhenAllAnswered();
    }

    public override void Arrived(BaselineSession session, StageRows rows)
    {
        rows.Return();
        throw new FrameException(FrameFault.NotGranted, "rows came from a federated device");
    }

    public override string? GiveUp(BaselineSession session)
    {
        _open.Remove(session.Entry.Id);
        CompleteWhenAllAnswered();
        return null;
    }

    protected override void OnFailed(Exception error) => _round?.Done.TrySetException(error);

    private void Begin(Train train)
    {
        _round = train;
        _answers.Clear();
        _open.Clear();
        foreach (var device in train.Round.Drawn)
        {
            var session = Session(device);
            if (session.IsGivenUp)
            {
                continue;
            }

            _open[device.Id] = train.Round.Tasks.FirstOrDefault(t => t.Device.Id == device.Id);
            if (session.IsReady)
            {
                Order(session, _open[device.Id]);
            }
        }

        CompleteWhenAllAnswered();
    }

    /// <summary>Sends the average, and the order to train where something is to come back.</summary>
    private void Order(BaselineSession session, FedTask? task)
    {
        Introduce(session);
        session.SendResiduals(_residuals);
        var isNew = !session.HasBegun;
        var optimizer = keepsOptimizer && isNew ? _optimizers.GetValueOrDefault(session.Entry.Id, []) : [];
        session.SendState(_round!.Round.Average, optimizer);
        if (task is null)
        {
            _open.Remove(session.Entry.Id);
            return;
        }

        session.AllowState(keepsOptimizer ? Template : Template with { Optimizer = [] }, NotesPerStep * task.Rates.Length);
        session.Tell((number, states) => new MethodCommands.TrainRound(
            session.Entry.Id, session.Entry.Incarnation, number, states, task.Round, task.FirstBatch, task.FirstStep, task.Rates));
    }

    private void CompleteWhenAllAnswered()
    {
        if (_round is { } round && !round.Round.Tasks.Any(t => _open.ContainsKey(t.Device.Id)))
        {
            Complete([.. round.Round.Tasks.Where(t => _answers.ContainsKey(t.Device.Id)).Select(t => _answers[t.Device.Id])]);
        }
    }

    private void Complete(IReadOnlyList<FedAnswer>? answers)
    {
        _round?.Done.TrySetResult(answers);
        _round = null;
    }

    private static List<LocalStep> Steps(double[] notes) =>
        [.. notes.Chunk(NotesPerStep).Select(n => new LocalStep(new TargetScore(n[0], (long)n[1], (long)n[2]), n[3]))];

    /// <summary>Train a round.</summary>
    /// <param name="Round">The round.</param>
    /// <param name="Done">Gets what came back, in the order of the tasks; null when it was cancelled.</param>
    internal sealed record Train(FedRound Round, TaskCompletionSource<IReadOnlyList<FedAnswer>?> Done) : IFleetOrder;

    /// <summary>What comes of the round at hand is not wanted any more, and no other is begun.</summary>
    internal sealed record Cancel : IFleetOrder
    {
        public static Cancel Instance { get; } = new();
    }

    /// <summary>Devices' frozen weights are to take these up before their next round.</summary>
    internal sealed record KeepResidual(IReadOnlyList<WeightedAdapter> Adapters) : IFleetOrder;
}

/// <summary>What came of a device's part of a round.</summary>
/// <param name="Task">The part.</param>
/// <param name="Adapter">Adapters and head.</param>
/// <param name="Steps">Its steps.</param>
internal sealed record FedAnswer(FedTask Task, IReadOnlyList<TensorData> Adapter, IReadOnlyList<LocalStep> Steps);
