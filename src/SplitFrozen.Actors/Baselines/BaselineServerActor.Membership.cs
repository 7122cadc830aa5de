using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>Devices that come, are admitted or refused, are lost, and return.</summary>
internal sealed partial class BaselineServerActor
{
    private readonly Dictionary<(DeviceId Device, string Node), int> _faults = [];

    private int Needed => _run.Settings.Start.MinDevices ?? _run.Settings.Data.Partition.Devices;

    private int PreparedDevices => _sessions.Values.Count(s => s.IsReady);

    private void ReceiveFromDevices()
    {
        Receive<DeviceEvents.Greeted>(Greet);
        Receive<DeviceEvents.Prepared>(m => Current(m.Device, m.Incarnation, session => Prepared(session, m)));
        Receive<DeviceEvents.Heartbeat>(m => Report(m.Device, m.Incarnation, m.Work));
        Receive<DeviceEvents.Left>(m => Current(m.Device, m.Incarnation, session =>
        {
            Report(m.Device, m.Incarnation, m.Work);
            _run.Observer.On(new RunEvent.DeviceLeft(m.Device, session.Entry.Node));
            Lose(session, "it left");
        }));
        Receive<DeviceEvents.Failed>(m => Current(m.Device, m.Incarnation, session => Lose(session, m.Reason)));
        Receive<DeviceEvents.Finished>(m => Current(m.Device, m.Incarnation, session =>
        {
            Report(m.Device, m.Incarnation, m.Work);
            session.Entry.Finished = true;
            EndWhenAllFinished();
        }));
        Receive<DeviceGone>(m =>
        {
            if (_sessions.TryGetValue(m.Device, out var session) && m.Ref.Equals(session.Entry.Ref))
            {
                LoseUnlessFinishing(session, "its node was lost or stopped");
            }
        });
    }

    private void Greet(DeviceEvents.Greeted greeting)
    {
        _sessions.TryGetValue(greeting.Device, out var known);
        if (known is not null && !IsHolderKnown(known, greeting))
        {
            // It greets again soon; by then it is known whether the other one is alive.
            return;
        }

        var faults = _faults.GetValueOrDefault((greeting.Device, greeting.Node));
        if (Admission.Check(greeting, known?.Entry, Sender, _run.Spec, faults, _finished is not null) is { } refusal)
        {
            Problem(greeting.Device, $"refused on {greeting.Node}: {refusal.Explanation}");
            Sender.Tell(refusal);
            return;
        }

        var session = known ?? (_sessions[greeting.Device] = new BaselineSession(new DeviceEntry(greeting.Device, _run.Time)));
        session.Begin(greeting.Incarnation, Sender, greeting.Node);
        session.Entry.IsPinned = greeting.Pinned;
        session.Entry.Layers = _run.Spec.Method!.Stage.To;
        session.Entry.Reason = $"it trains blocks 0..{session.Entry.Layers}";
        session.Entry.Heard();
        Context.WatchWith(Sender, new DeviceGone(greeting.Device, Sender));
        var endpoint = new ChannelEndpoint(_run.Settings.Channel.Host, _channel.Port, _channel.Admit(greeting.Device, greeting.Incarnation));
        Sender.Tell(new DeviceCommands.Welcome(greeting.Device, greeting.Incarnation, _run.Spec, endpoint));
    }

    private bool IsHolderKnown(BaselineSession holder, DeviceEvents.Greeted greeting)
    {
        var state = holder.Entry.Challenge(Sender, _run.Spec.HeartbeatMilliseconds);
        if (state == HolderState.Silent)
        {
            Lose(holder, $"nothing was heard of it on {holder.Entry.Node} any more, and it came again on {greeting.Node}");
        }

        return state != HolderState.Unsure;
    }

    private void Opened(LinkOpened opened)
    {
        if (!_sessions.TryGetValue(opened.Device, out var session) || session.Entry.Incarnation != opened.Incarnation || session.Entry.Ref is null || session.HasLink)
        {
            // A life has one link: what was on its way over another one is not known to have come.
            opened.Link.Cut();
            return;
        }

        session.Open(opened.Link, opened.Gate);
        ReadyWhenAll(session);
    }

    private void Prepared(BaselineSession session, DeviceEvents.Prepared prepared)
    {
        var entry = session.Entry;
        if (entry.IsPrepared)
        {
            return;
        }

        if (entry.Contradiction(prepared) is { } contradiction)
        {
            entry.Ref?.Tell(new DeviceCommands.Refuse(entry.Id, entry.Incarnation, RefusalReason.BadId, contradiction));
            Lose(session, contradiction);
            return;
        }

        (entry.Samples, entry.DataFingerprint, entry.Capacity, entry.IsPrepared) = (prepared.Samples, prepared.DataFingerprint, prepared.Capacity, true);
        _run.Observer.On(new RunEvent.DeviceJoined(entry.Id, entry.Node, prepared.Samples, prepared.Capacity));
        ReadyWhenAll(session);
    }

    /// <summary>A life is ready when its data and its link are; with enough of them the run begins.</summary>
    private void ReadyWhenAll(BaselineSession session)
    {
        if (!session.IsReady)
        {
            return;
        }

        Timers.Cancel(session.Entry.Id);
        session.IsGivenUp = false;
        _fleet?.Ready(session);
        if (_gathered.Task.IsCompleted)
        {
            return;
        }

        if (PreparedDevices < Needed)
        {
            AnnounceWaiting();
            return;
        }

        Timers.Cancel(nameof(StartLimit));
        var order = LocalOrder.Of(_run.Settings.Training);
        _gathered.TrySetResult([.. _sessions.Values.Where(s => s is { IsReady: true, Entry.Samples: > 0 }).Select(s => new LocalPlan(s.Entry.Id, s.Entry.Samples!.Value, order))]);
    }

    private void Report(DeviceId device, Incarnation incarnation, WorkDone work) => Current(device, incarnation, session =>
    {
        session.Entry.Heard();
        session.Entry.Report(work);
    });

    /// <summary>At the end a device stops once it has told its last figures, and the news of that may be faster than the figures: the time limit decides.</summary>
    private void LoseUnlessFinishing(BaselineSession session, string reason)
    {
        if (_finished is null)
        {
            Lose(session, reason);
        }
    }

    private void Lose(BaselineSession session, string reason)
    {
        var id = session.Entry.Id;
        session.Close();
        _channel.Close(id);
        if (!_gathered.Task.IsCompleted)
        {
            _sessions.Remove(id);
        }

        if (_finished is not null)
        {
            EndWhenAllFinished();
            return;
        }

        Problem(id, reason);
        Timers.StartSingleTimer(id, new ReturnLimit(id), _run.Settings.Device.LostAfter);
    }

    private void ReturnTimeOver(DeviceId id)
    {
        if (_finished is not null || !_sessions.TryGetValue(id, out var session) || session.IsReady)
        {
            return;
        }

        session.IsGivenUp = true;
        var planned = _gathered.Task is { IsCompletedSuccessfully: true, Result: var plans } ? plans.Select(p => p.Id).ToHashSet() : [];
        if (!planned.Contains(id))
        {
            Problem(id, "it did not return in time (splitfrozen.device.lost-after); it had come too late to have a part in the run");
            return;
        }

        var why = _fleet?.GiveUp(session);
        if (why is not null || planned.All(d => _sessions[d].IsGivenUp))
        {
            _fleet?.Fail(new RunFailedException(
                RunFailure.Broken,
                $"Device {id} was lost and did not return within {_run.Settings.Device.LostAfter.TotalSeconds:0} s (splitfrozen.device.lost-after){(why is null ? ", and no other is left" : $": {why}")}. Start it again, or raise the limit."));
        }
        else
        {
            Problem(id, "it did not return in time (splitfrozen.device.lost-after), and rounds go on without it");
        }
    }

    private void Refused(ChannelRefusal refusal)
    {
        if (refusal is { IsPeersFault: true, Device: { } device } && _sessions.TryGetValue(device, out var session))
        {
            _faults[(device, session.Entry.Node)] = _faults.GetValueOrDefault((device, session.Entry.Node)) + 1;
        }

        if (long.IsPow2(refusal.Count))
        {
            _log.Warning("The activation channel refused {Fault} of {Device} ({Count}): {Message}", refusal.Fault, refusal.Device, refusal.Count, refusal.Message);
            _run.Observer.On(new RunEvent.ChannelRefused(refusal.Device, refusal.Fault.ToString(), refusal.Count, refusal.Message));
        }
    }

    private void Problem(DeviceId device, string problem)
    {
        _log.Warning("{Device}: {Problem}", device, problem);
        _run.Observer.On(new RunEvent.DeviceProblem(device, problem));
    }

    private void AnnounceWaiting() => _run.Observer.On(new RunEvent.Waiting($"{Needed - PreparedDevices} more of {Needed} devices"));

    private string NotEnough() =>
        $"Only {PreparedDevices} of {Needed} devices joined within {_run.Settings.Start.Limit.TotalSeconds:0} s (splitfrozen.start.limit). Start the missing devices, raise the limit, or lower splitfrozen.start.min-devices.";

    private sealed record DeviceGone(DeviceId Device, IActorRef Ref) : ILocalMessage;
}
