using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// Owns the sampling plan, grants, credits, the order of F, B and W, and the ledger. Gathers devices, trains, and ends the run. It decides and
/// never computes, so that it answers heartbeats at once.
/// </summary>
internal sealed partial class PipelineCoordinatorActor : ReceiveActor, IWithTimers
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ServerRun _run;
    private readonly Peers _peers;
    private readonly RunClock _clock;
    private readonly SortedDictionary<DeviceId, DeviceEntry> _devices = [];
    private readonly RunPlan _plan;
    private readonly Ledger _ledger = new();
    private readonly StagePipeline _stages;
    private readonly Dictionary<string, IReadOnlyList<ActivationBatch>> _heldOut = [];
    private readonly Dictionary<string, TargetScore> _scores = [];
    private GrantWindow? _window;
    private bool _stopping;

    public PipelineCoordinatorActor(ServerRun run, Peers peers, ResumePoint? resume)
    {
        (_run, _peers, _resume, _clock) = (run, peers, resume, new RunClock(run.Trace, run.Settings.Pipeline.Stages));
        _plan = new RunPlan(run.Settings.Training, run.Settings.Pipeline.GrantBatches, RosterToDraw, resume?.State.Plan ?? RunPlanState.Start);
        _plan.Drawn += OpenEpoch;
        _best = new BestScore(run.Settings.Training.Best, run.Settings.Training.Patience);
        var pipeline = run.Settings.Pipeline;
        _stages = new StagePipeline(
            pipeline.Schedule, pipeline.Stages, pipeline.PendingWeights, _clock, peers.Vault, Restore, StageFailed, StageLost);
        TakeUp();
        Gathering();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartSingleTimer(nameof(StartLimit), StartLimit.Instance, _run.Settings.Start.Limit);
        _peers.CatchUp.Tell(new CatchUpActor.Freeze(EvaluationSet, _run.Sets.Evaluation));
        _peers.CatchUp.Tell(new CatchUpActor.Freeze(ValidationSet, _run.Sets.Validation));
        StartReminding();
        ReopenEpochs();
        AnnounceWaiting();
    }

    private void StageFailed(int stage, string reason)
    {
        _log.Warning("Stage {Stage} failed and was started again: {Reason}", stage, reason);
        Notify(new RunEvent.StageProblem(stage, $"{reason}; it was started again, and the global batch at hand is trained again"));
    }

    /// <summary>What every phase answers.</summary>
    private void Always()
    {
        Receive<DeviceEvents.Greeted>(Greet);
        Receive<DeviceEvents.LayersLoaded>(Loaded);
        Receive<DeviceEvents.Heartbeat>(Beat);
        Receive<DeviceEvents.Traced>(Trace);
        Receive<DeviceEvents.Left>(Left);
        Receive<DeviceEvents.Failed>(DeviceFailed);
        Receive<DeviceGone>(Gone);
        Receive<ChannelRefused>(m =>
        {
            if (m.AtDoor)
            {
                _doorRefusals[m.Refusal.Fault] = m.Refusal.Count;
            }

            Refused(m.Refusal);
        });
        Receive<ShuffleActor.UnitRefused>(m => _peers.Channel.Refuse(m.Device, m.Fault));
        Receive<StageEvents.LoadFailed>(m => _run.Fail(new UserErrorException(m.Reason)));
        Receive<ShuffleActor.Taken>(m =>
        {
            _clock.HandedOver(m.Seconds);
            NoteLabels(m);
            _trainedTokens += m.Batch.Lengths.Sum();
            _stages.Taken(m.Id, m.Batch, m.Rented);
            Offer();
        });
        Receive<CheckpointActor.NotSaved>(NotSaved);
        Receive<Remind>(_ => RemindDevices());
        AlwaysStore();
        Receive<ReadStatus>(_ => Sender.Tell(Status()));
        AlwaysServers();
        Receive<StageEvents.IStageEvent>(m => _stages.On(m, Sender));
        Receive<ReturnLimit>(m => ReturnTimeOver(m.Device));
        Receive<ShuffleActor.Struck>(Struck);
    }

    private IReadOnlyList<RosterEntry> Roster() =>
        [.. _devices.Values.Where(d => d.Samples is not null && !d.IsStruck).Select(d => new RosterEntry(d.Id, d.Samples!.Value))];

    /// <summary>The devices of the epoch that is being drawn; a replay draws it over those that the run had then.</summary>
    private IReadOnlyList<RosterEntry> RosterToDraw() => [.. Roster().Where(r => _run.Replay?.TookPart(_plan.EpochsDrawn - 1, r.Device) != false)];

    private void OpenEpoch(EpochPlan plan, DeviceId[] roster)
    {
        RosterEntry[] devices = [.. roster.Select(id => new RosterEntry(id, _devices[id].Samples!.Value))];
        _run.Replay?.Check(plan.Epoch, devices);
        AddFill(plan);
        _peers.Shuffle.Tell(new ShuffleActor.OpenEpoch(plan, roster) { Closed = Closed(plan) });
        Record(new LedgerRecord.Drawn(plan.Epoch, devices));
    }

    private void Record(LedgerRecord record) => _peers.Files.Tell(new CheckpointActor.Note(record));

    private void Notify(RunEvent e) => _run.Observer.On(e);

    /// <summary>The actors and the channel that the coordinator works with.</summary>
    internal sealed record Peers(IActorRef Allocator, IActorRef Shuffle, IActorRef CatchUp, StageVault Vault, IActorRef Files, ChannelListener Channel);

    /// <summary>End the run in order: finish the global batch at hand, write a checkpoint and the adapter.</summary>
    internal sealed record Stop : ILocalMessage
    {
        public static Stop Instance { get; } = new();
    }

    /// <summary>Something that came over the channel was refused.</summary>
    internal sealed record ChannelRefused(ChannelRefusal Refusal) : ILocalMessage
    {
        /// <summary>Whether it came where other server nodes connect.</summary>
        public bool AtDoor { get; init; }
    }

    private sealed record DeviceGone(DeviceId Device, IActorRef Ref) : ILocalMessage;

    private sealed record ReturnLimit(DeviceId Device) : ILocalMessage;

    private sealed record StartLimit : ILocalMessage
    {
        public static StartLimit Instance { get; } = new();
    }
}
