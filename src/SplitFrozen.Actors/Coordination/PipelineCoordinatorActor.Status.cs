using System.Diagnostics;

using SplitFrozen.Domain.Control;

namespace SplitFrozen.Actors.Coordination;

/// <summary>What operators see of a run.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>Steps over which the rate is taken.</summary>
    private const int RateSteps = 20;

    private readonly Queue<(long At, long Samples)> _recent = [];

    /// <summary>Notes how far training is after a step.</summary>
    private void NoteRate()
    {
        _recent.Enqueue((Stopwatch.GetTimestamp(), _ledger.SamplesTrained));
        if (_recent.Count > RateSteps)
        {
            _recent.Dequeue();
        }
    }

    private double? Rate()
    {
        if (_recent.Count < 2)
        {
            return null;
        }

        // Up to now, not to the last step: a rate that has come to a halt must fall.
        var (at, samples) = _recent.Peek();
        return (_ledger.SamplesTrained - samples) / Stopwatch.GetElapsedTime(at).TotalSeconds;
    }

    /// <summary>How many micro-batches the samples that are here make, in epochs at hand and ahead.</summary>
    private int ReadyMicroBatches() => _fills.Values.Sum(f => f.Here) / _run.Settings.Training.MicroBatchSize;

    private ClusterStatus Status()
    {
        var isTraining = _window is not null;
        return new ClusterStatus(
            _run.Spec.RunName, _ending ? "ending" : isTraining ? "training" : "gathering",
            new ProgressStatus(
                _epoch, _run.Settings.Training.Epochs, _step, isTraining ? _plan.TotalSteps : 0, _ledger.SamplesTrained, isTraining ? _plan.SamplesExpected : 0,
                Rate(), _step > 0 ? _lossLast : null),
            new QueueStatus(
                _window?.InFlightSamples ?? 0, _window?.InFlightGrants ?? 0, _run.Settings.Pipeline.Window, ReadyMicroBatches(), _peers.Channel.Memory.HeldBytes,
                _stages.IsTraining ? _clock.Waiting?.TotalSeconds : null),
            new AllocationStatus(_run.Settings.Allocation.Policy, _devices.Values.Select(d => d.Allocation.Value).DefaultIfEmpty(0).Max(), IsPaused: false),
            [], [.. _devices.Values.Select(StatusOf)], [.. _alarms.Select(a => new AlarmStatus(a.At, a.Text))]);
    }

    private DeviceStatus StatusOf(DeviceEntry device)
    {
        var (work, open) = (device.Work, device.Open);
        var state = device.Finished ? "finished" : device.Ref is null ? "lost" : !device.IsPrepared ? "preparing" : open is null ? "idle" : "working";
        return new DeviceStatus(
            device.Id.Value, device.Node, state, device.IsPinned, device.Samples, device.Layers, device.Layers > 0 && device.Confirmed == device.Allocation,
            device.Capacity.LayerTokensPerSecond, device.Capacity.LinkBytesPerSecond > 0 ? device.Capacity.LinkBytesPerSecond : null, device.Capacity.FreeMemoryBytes,
            device.Capacity.QueueLength, _peers.Channel.Received(device.Id) - device.PlacedUnits is > 0 and var used ? used : 0, _run.Spec.Credits, open?.Samples ?? 0,
            work.ForwardedSamples, work.BytesSent, device.Reason)
        {
            BusySeconds = work.BusySeconds,
        };
    }

    /// <summary>Say how the run stands; answered by <see cref="ClusterStatus"/>.</summary>
    internal sealed record ReadStatus : ILocalMessage
    {
        public static ReadStatus Instance { get; } = new();
    }
}
