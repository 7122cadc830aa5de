using System.Diagnostics;

using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Layers that devices get, before and while training; the capacity that they report; and the alarm when training waits for one of them.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>How often it is looked whether training waits for a device.</summary>
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>A device that does not run with the layers it was told within this time is told again: messages may get lost.</summary>
    private static readonly TimeSpan TellAgainAfter = TimeSpan.FromSeconds(15);

    /// <summary>How often capacity is recorded where layers are not dealt out anew.</summary>
    private static readonly TimeSpan DefaultRecordInterval = TimeSpan.FromSeconds(5);

    private readonly List<Alarm> _alarms = [];
    private long _trainedTokens;
    private long _placedTokens;
    private long _placedSamples;
    private double _caughtUpLayerTokens;
    private double _catchUpSeconds;

    /// <summary>
    /// Tells devices whose layers change, and lives that were not told yet. Each goes on with the units at hand and switches between two units; the server
    /// completes units of either depth, so that nothing pauses and nothing is lost.
    /// </summary>
    private void Assign(AllocatorActor.Allocated allocation)
    {
        foreach (var assignment in allocation.Assignments)
        {
            if (!_devices.TryGetValue(assignment.Device, out var device) || device.Ref is null || (device.IsTold && device.Layers == assignment.Layers))
            {
                continue;
            }

            var isNew = device.Layers != assignment.Layers;
            (device.Allocation, device.Layers, device.Reason) = (allocation.Epoch, assignment.Layers, assignment.Reason);
            TellLayers(device);
            if (isNew)
            {
                Notify(new RunEvent.LayersAssigned(device.Id, allocation.Epoch, assignment.Layers, assignment.Reason));
            }
        }
    }

    private void TellLayers(DeviceEntry device)
    {
        (device.IsTold, device.ToldAt) = (true, Stopwatch.GetTimestamp());
        _peers.Channel.Allow(device.Id, device.Allocation, device.Layers);
        device.Ref!.Tell(new DeviceCommands.AssignLayers(device.Id, device.Allocation, device.Layers));
    }

    /// <summary>
    /// Whether it is known if the device that has an id lives, when another asks for the same. A process that was killed and started again greets before the cluster has
    /// noticed; so the holder is to be heard of after that. Where it is not, it is given up, and the newcomer takes its place.
    /// </summary>
    private bool IsHolderKnown(DeviceEntry holder, DeviceEvents.Greeted greeting)
    {
        var state = holder.Challenge(Sender, _run.Spec.HeartbeatMilliseconds);
        if (state == HolderState.Silent)
        {
            Lose(holder, $"nothing was heard of it on {holder.Node} any more, and it came again on {greeting.Node}");
        }

        return state != HolderState.Unsure;
    }

    private void Loaded(DeviceEvents.LayersLoaded loaded)
    {
        if (IsCurrent(loaded, out var device))
        {
            device.Confirmed = loaded.Allocation;
            _log.Info("{Device} holds {Layers} layers of allocation {Allocation}", loaded.Device, loaded.Layers, loaded.Allocation.Value);
        }
    }

    private void Beat(DeviceEvents.Heartbeat beat)
    {
        if (!IsCurrent(beat, out var device))
        {
            return;
        }

        device.Heard();
        (device.Capacity, device.Confirmed) = (beat.Capacity, beat.Allocation);
        device.Report(beat.Work);
        if (device.IsTold && device.Confirmed != device.Allocation && Stopwatch.GetElapsedTime(device.ToldAt) > TellAgainAfter)
        {
            TellLayers(device);
        }

        var interval = _run.Settings.Allocation.Interval ?? DefaultRecordInterval;
        if (device.Samples is { } samples && (device.RecordedAt is not { } last || Stopwatch.GetElapsedTime(last) >= interval))
        {
            device.RecordedAt = Stopwatch.GetTimestamp();
            Notify(new RunEvent.CapacityMeasured(device.Id, device.Node, samples, beat.Capacity));
        }
    }

    /// <summary>A device has left in order; its data is at another node soon, or comes back with the device.</summary>
    private void Left(DeviceEvents.Left left)
    {
        if (!IsCurrent(left, out var device))
        {
            return;
        }

        device.Report(left.Work);
        Notify(new RunEvent.DeviceLeft(device.Id, device.Node));
        if (!_ending)
        {
            Lose(device, $"it left {device.Node} in order");
        }
        else
        {
            (device.Finished, device.Ref) = (true, null);
            CompleteWhenAllFinished();
        }
    }

    /// <summary>Adds up what the server's own work takes, and tells the allocator.</summary>
    private void MeasureServer(ShuffleActor.UnitPlaced placed)
    {
        _placedTokens += placed.Tokens;
        _placedSamples += placed.Samples;
        if (placed.CaughtUpLayers > 0 && placed.CatchUpSeconds > 0)
        {
            _caughtUpLayerTokens += (double)placed.CaughtUpLayers * placed.Tokens;
            _catchUpSeconds += placed.CatchUpSeconds;
        }

        var stages = _clock.Stages;
        var training = stages.Forward + stages.BackwardInput + stages.BackwardWeights + stages.Step;
        _peers.Allocator.Tell(new AllocatorActor.ServerWork(
            _catchUpSeconds > 0 ? _caughtUpLayerTokens / _catchUpSeconds : null, _trainedTokens > 0 ? training / _trainedTokens : 0,
            (double)_placedTokens / Math.Max(1, _placedSamples)));
    }

    /// <summary>Raises an alarm over the device that most samples of the global batch at hand are awaited from.</summary>
    private void AlarmOverWaiting()
    {
        if (!_stages.IsTraining || _clock.Waiting is not { } waited || waited < _run.Settings.Allocation.WaitAlarm)
        {
            return;
        }

        if (Fill.Awaited.GroupBy(s => s.Device).MaxBy(d => d.Count()) is not { } awaited)
        {
            return;
        }

        var grant = new GrantId(_epoch, Plan.GrantAt(Plan.PlaceOf(awaited.First())!.Value));
        var device = _devices[_plan.Roster(_epoch)[awaited.Key]];
        if (device.Alarmed == grant || device.Missing(grant) is not var (samples, openedAt))
        {
            return;
        }

        device.Alarmed = grant;
        var predicted = PredictedSeconds(device, samples);
        var achieved = Stopwatch.GetElapsedTime(openedAt).TotalSeconds;
        _log.Warning(
            "Training has waited {Waited:0.0} s for {Device} on {Node}: its part of grant {Grant} was predicted to take {Predicted:0.0} s and has taken {Achieved:0.0} s (splitfrozen.allocation.wait-alarm)",
            waited.TotalSeconds, device.Id, device.Node, grant, predicted, achieved);
        Notify(new RunEvent.TrainingWaits(device.Id, device.Node, waited.TotalSeconds, predicted, achieved));
        RaiseAlarm($"training has waited {waited.TotalSeconds:0.0} s for {device.Id} on {device.Node}: predicted {predicted:0.0} s, achieved {achieved:0.0} s so far");
    }

    /// <summary>Seconds that a device's node needs for so many samples with the layers it has: computing or sending, whichever takes longer; infinite where nothing was measured.</summary>
    private double PredictedSeconds(DeviceEntry device, int samples)
    {
        var tokens = _placedSamples > 0 ? (double)samples * _placedTokens / _placedSamples : (double)samples * _run.Spec.MaxLength;
        var compute = tokens * device.Layers / device.Capacity.LayerTokensPerSecond;
        var link = device.Capacity.LinkBytesPerSecond is > 0 and var rate
            ? tokens * RowCodec.RowBytes(_run.Spec.Codec, _run.Model.Shape.Width) / rate : 0;
        return Math.Max(compute, link);
    }

    private void RaiseAlarm(string text)
    {
        const int Most = 20;
        _alarms.Add(new Alarm(DateTimeOffset.UtcNow, text));
        if (_alarms.Count > Most)
        {
            _alarms.RemoveAt(0);
        }
    }

    /// <summary>Something that an operator should know.</summary>
    private sealed record Alarm(DateTimeOffset At, string Text);

    private sealed record WatchWaiting : ILocalMessage
    {
        public static WatchWaiting Instance { get; } = new();
    }
}
