using System.Buffers;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>
/// Batches of split training on devices of other nodes. The gradients that a device got since its state was last here are kept: a device that is lost begins its next life
/// from that state, and makes the batches since then again with the same gradients, while the server trains none of them twice.
/// </summary>
/// <param name="sessions">The devices.</param>
/// <param name="template">What each of them trains.</param>
internal sealed class SplitFleet(IReadOnlyDictionary<DeviceId, BaselineSession> sessions, StageState template) : MethodFleet(sessions, template)
{
    private readonly SortedDictionary<DeviceId, Part> _parts = [];
    private Take? _awaited;
    private Collect? _collecting;

    protected override void On(IFleetOrder order)
    {
        switch (order)
        {
            case Begin begin:
                begin.Tasks.ToList().ForEach(Start);
                break;
            case Take take:
                _awaited = take;
                Deliver();
                break;
            case Reply reply:
                Answer(reply);
                break;
            case Collect collect:
                BeginCollecting(collect);
                break;
            case SetAdapters set:
                Set(set);
                break;
        }
    }

    public override void Ready(BaselineSession session)
    {
        Introduce(session);
        var part = Of(session);
        part.BeginLife();
        if (part.Saved is { } saved)
        {
            session.SendState(saved.Adapter, saved.Optimizer);
        }

        part.Tasks.ForEach(task => Order(session, part, task));
        if (part.IsCollected)
        {
            AskState(session);
        }
    }

    public override void Arrived(BaselineSession session, Parcel parcel)
    {
        session.Answered(parcel.Number);
        var part = Of(session);
        part.Save(new StageState(Parcel.Whole(parcel.Adapter, session.Known), parcel.Optimizer));
        session.Known = part.Saved!.Adapter;
        CompleteCollecting();
    }

    public override void Arrived(BaselineSession session, StageRows rows)
    {
        var part = Of(session);
        var task = part.Tasks.Find(t => t.Step == rows.Id.Step);
        var parts = task?.Device.MicroBatches(task.Batch);
        if (parts is null || rows.Id.Index < 0 || rows.Id.Index >= parts.Count || parts[rows.Id.Index].Count != rows.Batch.Lengths.Length)
        {
            rows.Return();
            throw new FrameException(FrameFault.NotGranted, $"rows of micro-batch {rows.Id} are none that the device was to send");
        }

        part.Came(rows);
        if (part.Gradient(rows.Id) is { } gradient)
        {
            SendGradient(session, part, task!, rows.Id, gradient);
        }

        Deliver();
    }

    public override string? GiveUp(BaselineSession session) =>
        "its adapters cannot be averaged without it";

    protected override void OnFailed(Exception error)
    {
        _awaited?.Rows.TrySetException(error);
        _collecting?.Done.TrySetException(error);
    }

    private void Start(SplitTask task)
    {
        var session = Session(task.Device);
        var part = Of(session);
        part.Tasks.Add(task);
        if (session.IsReady)
        {
            Introduce(session);
            Order(session, part, task);
        }
    }

    private static void Order(BaselineSession session, Part part, SplitTask task)
    {
        session.AllowRows(task.Device.MicroBatches(task.Batch).Count);
        part.Commands[task.Step] = session.Tell((number, states) => new MethodCommands.TrainBatch(
            session.Entry.Id, session.Entry.Incarnation, number, states, task.Batch, task.Step, task.Rate));
    }

    private void Deliver()
    {
        if (_awaited is { } take && Of(Session(take.Task.Device)).TakeOut(take.Id) is { } rows)
        {
            _awaited = null;
            take.Rows.TrySetResult(rows);
        }
    }

    private void Answer(Reply reply)
    {
        var session = Session(reply.Task.Device);
        var part = Of(session);
        part.Keep(reply.Id, reply.Gradient);
        if (part.IsUnanswered(reply.Id) && session.IsReady)
        {
            SendGradient(session, part, reply.Task, reply.Id, reply.Gradient);
        }
    }

    private static void SendGradient(BaselineSession session, Part part, SplitTask task, MicroBatchId id, SentGradient gradient)
    {
        part.Answered(id);
        var rented = ArrayPool<float>.Shared.Rent(gradient.Values.Length);
        gradient.Values.CopyTo(rented.AsSpan());
        session.SendGradient(new StageRows(
            0, RowsKind.Gradients, id, new ActivationBatch(rented.AsMemory(0, gradient.Values.Length), gradient.Lengths, [], []), rented));
        if (id.Index == task.Device.MicroBatches(task.Batch).Count - 1)
        {
            session.Answered(part.Commands[task.Step]);
        }
    }

    private void BeginCollecting(Collect collect)
    {
        _collecting = collect;
        foreach (var device in collect.Devices)
        {
            var session = Session(device);
            var part = Of(session);
            part.IsCollected = part.Tasks.Count > 0;
            if (part.IsCollected && session.IsReady)
            {
                AskState(session);
            }
        }

        CompleteCollecting();
    }

    private void AskState(BaselineSession session)
    {
        session.AllowState(Template, notes: 0);
        session.Tell((number, states) => new MethodCommands.SendState(session.Entry.Id, session.Entry.Incarnation, number, states));
    }

    private void CompleteCollecting()
    {
        if (_collecting is { } collect && !_parts.Values.Any(p => p.IsCollected))
        {
            _collecting = null;
            collect.Done.TrySetResult([.. collect.Devices.Select(d => (Of(Session(d)).Saved ?? Template).Adapter)]);
        }
    }

    /// <summary>All devices have been collected from just before, so that nothing of theirs is newer.</summary>
    private void Set(SetAdapters set)
    {
        foreach (var device in set.Devices)
        {
            var session = Session(device);
            var part = Of(session);
            part.Save((part.Saved ?? Template) with { Adapter = set.Average });
            if (session.IsReady)
            {
                Introduce(session);
                session.SendState(set.Average, []);
            }
        }
    }

    private Part Of(BaselineSession session)
    {
        if (!_parts.TryGetValue(session.Entry.Id, out var part))
        {
            _parts[session.Entry.Id] = part = new Part();
        }

        return part;
    }

    /// <summary>Devices may begin with batches.</summary>
    internal sealed record Begin(IReadOnlyList<SplitTask> Tasks) : IFleetOrder;

    /// <summary>The run needs the rows of a micro-batch; it waits for one at a time.</summary>
    internal sealed record Take(SplitTask Task, MicroBatchId Id, TaskCompletionSource<StageRows> Rows) : IFleetOrder;

    /// <summary>The gradient of rows that were taken.</summary>
    internal sealed record Reply(SplitTask Task, MicroBatchId Id, SentGradient Gradient) : IFleetOrder;

    /// <summary>The run needs the adapters of all devices.</summary>
    internal sealed record Collect(IReadOnlyList<LocalPlan> Devices, TaskCompletionSource<IReadOnlyList<IReadOnlyList<TensorData>>> Done) : IFleetOrder;

    /// <summary>All devices go on with these adapters.</summary>
    internal sealed record SetAdapters(IReadOnlyList<LocalPlan> Devices, IReadOnlyList<TensorData> Average) : IFleetOrder;

    /// <summary>A gradient as it is kept.</summary>
    /// <param name="Values">[T, D].</param>
    /// <param name="Lengths">Tokens of each sample [N].</param>
    internal sealed record SentGradient(float[] Values, int[] Lengths);

    /// <summary>What is known of one device since its state was last here.</summary>
    private sealed class Part
    {
        private readonly Dictionary<MicroBatchId, SentGradient> _gradients = [];
        private readonly Dictionary<MicroBatchId, StageRows> _rows = [];
        private readonly HashSet<MicroBatchId> _taken = [];
        private readonly HashSet<MicroBatchId> _unanswered = [];

        /// <summary>Its last state, or null: as drawn.</summary>
        public StageState? Saved { get; private set; }

        /// <summary>Batches since then.</summary>
        public List<SplitTask> Tasks { get; } = [];

        /// <summary>The command of this life for each step.</summary>
        public Dictionary<int, int> Commands { get; } = [];

        /// <summary>Whether its state is waited for.</summary>
        public bool IsCollected { get; set; }

        public void BeginLife()
        {
            _unanswered.Clear();
            Commands.Clear();
        }

        /// <summary>The state is here: what came before it need not be made again.</summary>
        public void Save(StageState state)
        {
            (Saved, IsCollected) = (state, false);
            Tasks.Clear();
            _gradients.Clear();
            _taken.Clear();
            foreach (var rows in _rows.Values)
            {
                rows.Return();
            }

            _rows.Clear();
        }

        /// <summary>Rows came; what was here or taken before is the same.</summary>
        public void Came(StageRows rows)
        {
            _unanswered.Add(rows.Id);
            if (_taken.Contains(rows.Id) || !_rows.TryAdd(rows.Id, rows))
            {
                rows.Return();
            }
        }

        /// <summary>Gives rows to the run.</summary>
        public StageRows? TakeOut(MicroBatchId id)
        {
            if (!_rows.Remove(id, out var rows))
            {
                return null;
            }

            _taken.Add(id);
            return rows;
        }

        public void Keep(MicroBatchId id, SentGradient gradient) => _gradients[id] = gradient;

        public SentGradient? Gradient(MicroBatchId id) => _gradients.GetValueOrDefault(id);

        /// <summary>Whether this life sent the rows and has no gradient yet.</summary>
        public bool IsUnanswered(MicroBatchId id) => _unanswered.Contains(id);

        public void Answered(MicroBatchId id) => _unanswered.Remove(id);
    }
}
