using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Devices that come, are admitted or refused, get their layers, and are lost.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>How many devices must be there: of a run that is resumed, those that it had.</summary>
    private int Needed => _resume is null ? _run.Settings.Start.MinDevices ?? _run.Settings.Data.Partition.Devices
        : IsTrained ? 0 : _resume.State.Devices.Count(d => !d.IsStruck);

    private int Prepared => _devices.Values.Count(d => _resume is null ? d.IsPrepared : d.Samples is not null && (d.IsPrepared || d.IsSpare));

    /// <summary>First phase: devices join until there are enough.</summary>
    private void Gathering()
    {
        Always();
        Receive<DeviceEvents.Prepared>(m =>
        {
            Prepare(m);
            BeginWhenReady();
        });
        Receive<CatchUpActor.Frozen>(KeepHeldOut);
        Receive<StartLimit>(_ => Abort(RunFailure.NotStarted, NotEnough()));
        Receive<Stop>(_ => BeginEnding(completed: false));
    }

    /// <summary>Training begins when the devices and the trainer stages are there.</summary>
    private void BeginWhenReady()
    {
        if (Prepared >= Needed && _stages.HasBeenUp && (_resume is null || _restored))
        {
            BecomeTraining();
        }
        else
        {
            AnnounceWaiting();
        }
    }

    private void Greet(DeviceEvents.Greeted greeting)
    {
        _devices.TryGetValue(greeting.Device, out var known);
        if (known is not null && !IsHolderKnown(known, greeting))
        {
            // It greets again soon; by then it is known whether the other one is alive.
            return;
        }

        known = _devices.GetValueOrDefault(greeting.Device);
        if (Admission.Check(greeting, known, Sender, _run.Spec, _faults.GetValueOrDefault((greeting.Device, greeting.Node)), _stopping, _run.Settings.Cluster.Standby) is { } refusal)
        {
            _log.Warning("Refused {Device} on {Node}: {Explanation}", greeting.Device, greeting.Node, refusal.Explanation);
            Notify(new RunEvent.DeviceProblem(greeting.Device, $"refused on {greeting.Node}: {refusal.Explanation}"));
            Sender.Tell(refusal);
            return;
        }

        var device = known ?? (_devices[greeting.Device] = new DeviceEntry(greeting.Device, Time));
        device.Begin(greeting.Incarnation, Sender, greeting.Node);
        device.IsPinned = greeting.Pinned;
        Timers.Cancel(greeting.Device);
        device.Heard();
        Context.WatchWith(Sender, new DeviceGone(greeting.Device, Sender));
        _peers.Shuffle.Tell(new ShuffleActor.AdmitDevice(greeting.Device, greeting.Incarnation));
        var endpoint = new ChannelEndpoint(
            _run.Settings.Channel.Host, _peers.Channel.Port, _peers.Channel.Admit(greeting.Device, greeting.Incarnation));
        Sender.Tell(new DeviceCommands.Welcome(greeting.Device, greeting.Incarnation, _run.Spec, endpoint));
    }

    /// <summary>Takes note of a device's samples and capacity.</summary>
    /// <returns>Whether it takes part now.</returns>
    private bool Prepare(DeviceEvents.Prepared prepared)
    {
        // A device says it again until it gets layers: the message may have been lost.
        if (!IsCurrent(prepared, out var device) || device.IsPrepared)
        {
            return false;
        }

        if (device.Contradiction(prepared) is { } contradiction)
        {
            Refuse(device, RefusalReason.BadId, contradiction);
            return false;
        }

        device.IsStruck = false;
        (device.Samples, device.DataFingerprint, device.Capacity, device.IsPrepared) = (prepared.Samples, prepared.DataFingerprint, prepared.Capacity, true);
        if (IsStoring)
        {
            _peers.Shuffle.Tell(new ShuffleActor.AdmitData(device.Id, prepared.DataFingerprint, prepared.Samples));
        }

        _peers.Allocator.Tell(new AllocatorActor.Report(new DeviceCapacity(device.Id, device.Node, device.Capacity), prepared.Samples));
        Notify(new RunEvent.DeviceJoined(device.Id, device.Node, prepared.Samples, prepared.Capacity));
        return true;
    }

    /// <summary>While training: one that came back gets its layers and open grants again; a new one waits for the next epoch to be drawn.</summary>
    private void PrepareLate(DeviceEvents.Prepared prepared)
    {
        if (!Prepare(prepared))
        {
            return;
        }

        _peers.Allocator.Tell(AllocatorActor.Allocate.Instance);
        var device = _devices[prepared.Device];
        foreach (var grant in device.Outstanding())
        {
            device.Ref!.Tell(grant);
        }
    }

    /// <summary>
    /// Takes over what a device did. Its clock is set to the server's by the least time that any of its messages seemed to be under way, so that its operations
    /// appear late by at most the control plane's quickest delivery, milliseconds on a local network.
    /// </summary>
    private void Trace(DeviceEvents.Traced traced)
    {
        if (_run.Trace is not { } trace || !IsCurrent(traced, out var device))
        {
            return;
        }

        var now = Time.GetUtcNow();
        var sent = DateTimeOffset.UnixEpoch.AddMicroseconds(traced.SentAt);
        device.ClockOffset = device.ClockOffset is { } known && known < now - sent ? known : now - sent;
        for (var i = 0; i < traced.Starts.Length; i++)
        {
            var start = DateTimeOffset.UnixEpoch.AddMicroseconds(traced.Starts[i]) + device.ClockOffset.Value;
            trace.Began(
                traced.Transfers[i] ? $"{device.Id}: link" : $"{device.Id}: forward", traced.Transfers[i] ? "transfer" : "device forward", start, traced.Durations[i] / 1e6);
        }
    }

    private bool IsCurrent(DeviceEvents.IDeviceEvent e, out DeviceEntry device)
    {
        if (!_devices.TryGetValue(e.Device, out device!) || device.Incarnation != e.Incarnation || device.Ref is null)
        {
            return false;
        }

        if (!device.Ref.Equals(Sender))
        {
            Refused(new ControlRefused(Sender.Path.Address, e.Device, $"it speaks for {e.Device}, which lives on {device.Node}"));
            return false;
        }

        return true;
    }

    private void DeviceFailed(DeviceEvents.Failed failure)
    {
        if (IsCurrent(failure, out var device))
        {
            Lose(device, failure.Reason);
        }
    }

    private void Gone(DeviceGone gone)
    {
        // At the end a device stops once it has told its last figures, and the news of that may be faster than the figures: the time limit decides.
        if (!_ending && _devices.TryGetValue(gone.Device, out var device) && gone.Ref.Equals(device.Ref))
        {
            Lose(device, "its node was lost or stopped");
        }
    }

    private void Lose(DeviceEntry device, string reason)
    {
        device.Ref = null;
        _peers.Channel.Close(device.Id);
        _peers.Allocator.Tell(new AllocatorActor.Forget(device.Id));
        if (_window is null)
        {
            if (_resume is null || !_resume.State.Devices.Any(d => d.Id == device.Id.Value))
            {
                _devices.Remove(device.Id);
            }

            device.IsPrepared = false;
            Notify(new RunEvent.DeviceProblem(device.Id, reason));
            return;
        }

        if (device.IsSpare)
        {
            Notify(new RunEvent.DeviceProblem(device.Id, $"{reason}; all its samples are stored, so that training goes on without it"));
            return;
        }

        AwaitReturn(device, reason);
    }

    private void Refuse(DeviceEntry device, RefusalReason reason, string explanation)
    {
        device.Ref?.Tell(new DeviceCommands.Refuse(device.Id, device.Incarnation, reason, explanation));
        Lose(device, explanation);
    }

    private string LostForGood(DeviceId device) =>
        $"Device {device} was lost and did not return within {_run.Settings.Device.LostAfter.TotalSeconds:0} s (splitfrozen.device.lost-after). " +
        "Its samples cannot be trained without it. Start it again, or raise the limit.";

    private void AnnounceWaiting()
    {
        var missing = Needed - Prepared;
        if (missing > 0)
        {
            var preparing = _devices.Values.Where(d => !d.IsPrepared).Select(d => d.Id.Value).ToList();
            Notify(new RunEvent.Waiting(
                $"{missing} more of {Needed} devices" + (preparing.Count == 0 ? "" : $"; {string.Join(", ", preparing)} {(preparing.Count == 1 ? "prepares" : "prepare")} its data")));
        }
    }

    private string NotEnough()
    {
        var joined = _devices.Values.Where(d => d.IsPrepared).Select(d => d.Id.Value).ToList();
        var preparing = _devices.Values.Where(d => !d.IsPrepared).Select(d => d.Id.Value).ToList();
        return $"Only {joined.Count} of {Needed} devices joined within {_run.Settings.Start.Limit.TotalSeconds:0} s (splitfrozen.start.limit)"
            + (joined.Count > 0 ? $"; joined: {string.Join(", ", joined)}" : "")
            + (preparing.Count > 0 ? $"; still preparing: {string.Join(", ", preparing)}" : "")
            + ". Start the missing devices, raise the limit, or lower splitfrozen.start.min-devices.";
    }
}
