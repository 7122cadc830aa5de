using System.Diagnostics;

using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>What is stored is not asked from devices; those whose samples are all stored may leave.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>Sample index, length and label of a sample in a frame's header.</summary>
    private const int HeaderBytesOfSample = 12;

    private readonly Dictionary<int, EpochTraffic> _traffic = [];
    private readonly List<string> _remarks = [];
    private ShuffleActor.StoreReport? _storeReport;
    private long? _epochStarted;

    private bool IsStoring => _run.Settings.Store.Mode != StoreMode.Off;

    private void AlwaysStore()
    {
        Receive<ShuffleActor.StoredCount>(m =>
        {
            _devices[m.Device].Stored = m.Stored;
            if (_resume is not null && _window is null && !_ending)
            {
                BeginWhenReady();
            }
        });
        Receive<ShuffleActor.StoreReport>(KeepReport);
        Receive<CatchUpActor.RowsChecked>(NoteRows);
    }

    /// <summary>Grants samples to their device, or first asks the store for them.</summary>
    private void Request(DeviceEntry device, GrantId grant, int[] samples)
    {
        if (!IsStoring)
        {
            Grant(device, grant, samples);
        }
        else if (device.Ask(grant, samples))
        {
            _peers.Shuffle.Tell(new ShuffleActor.Supply(device.Id, grant, samples));
        }
    }

    private void AskHeld(DeviceEntry device)
    {
        while (device.NextHeld() is var (grant, samples))
        {
            _peers.Shuffle.Tell(new ShuffleActor.Supply(device.Id, grant, samples));
        }
    }

    private void Supplied(ShuffleActor.Supplied supplied)
    {
        var device = _devices[supplied.Device];
        var bytes = supplied.Lengths.Sum(l => (long)l * RowCodec.RowBytes(_run.Spec.Codec, _run.Model.Shape.Width) + HeaderBytesOfSample);
        device.Supplied(supplied.Grant, supplied.Lengths.Length, bytes, LayerCosts.BlockForward(_run.Model.Shape, supplied.Lengths));
        Traffic(supplied.Grant.Epoch).Supplied += supplied.Lengths.Length;
        _peers.Channel.Memory.Placed(supplied.Grant, supplied.Lengths.Length);
        if (supplied.Missing.Length > 0)
        {
            GrantMissing(device, supplied.Grant, supplied.Missing);
        }

        AskHeld(device);
    }

    /// <summary>Opens a grant, whether the device is there or not: one that is away, or prepares, gets what is open when it is prepared.</summary>
    private static void Grant(DeviceEntry device, GrantId grant, int[] samples)
    {
        var command = device.OpenGrant(grant, samples);
        if (device.IsPrepared)
        {
            device.Ref?.Tell(command);
        }
    }

    private void GrantMissing(DeviceEntry device, GrantId grant, int[] missing)
    {
        Grant(device, grant, missing);
        if (device is { Ref: null, IsAwaitedAtEnd: false } && !Timers.IsTimerActive(device.Id))
        {
            AwaitReturn(device, $"{missing.Length} of its samples are not stored any more");
        }
    }

    /// <summary>Training cannot go on without the device: it must come back in time.</summary>
    private void AwaitReturn(DeviceEntry device, string reason)
    {
        var limit = _run.Settings.Device.LostAfter;
        Notify(new RunEvent.DeviceProblem(device.Id, $"{reason}; training waits up to {limit.TotalSeconds:0} s for its return"));
        Timers.StartSingleTimer(device.Id, new ReturnLimit(device.Id), limit);
    }

    private void Count(ShuffleActor.UnitPlaced placed)
    {
        var traffic = Traffic(placed.Grant.Epoch);
        traffic.Received += placed.Samples;
        traffic.Bytes += (long)placed.Tokens * RowCodec.RowBytes(_run.Spec.Codec, _run.Model.Shape.Width);
    }

    /// <summary>Tells what the epoch just closed took.</summary>
    private void ReportEpoch()
    {
        var traffic = Traffic(_epoch);
        var seconds = _epochStarted is { } started ? Stopwatch.GetElapsedTime(started).TotalSeconds : 0;
        _epochStarted = null;
        Notify(new RunEvent.EpochTrained(_epoch, seconds, traffic.Received, traffic.Bytes, traffic.Supplied));
        _traffic.Remove(_epoch);
        if (IsStoring)
        {
            _peers.Shuffle.Tell(new ShuffleActor.ReportStore(Roster().ToDictionary(r => r.Device, r => r.Samples)));
        }
    }

    private void KeepReport(ShuffleActor.StoreReport report)
    {
        _storeReport = report;
        foreach (var (id, stored) in report.Stored)
        {
            _devices[id].Stored = stored;
        }

        Notify(new RunEvent.StoreState(
            report.Stored.Values.Sum(s => (long)s), Roster().Sum(r => (long)r.Samples), report.MemoryBytes, report.DiskBytes, report.Damaged));
    }

    private void NoteRows(CatchUpActor.RowsChecked check)
    {
        if (!check.Hold)
        {
            const string Remark = "On this machine a sample's activations depend in their last bits on what else is in its batch: losses with the activation store may differ in the last digits from those without it (splitfrozen.store.mode = off).";
            _log.Warning(Remark);
            _remarks.Add(Remark);
        }
    }

    private StoreSummary? SummariseStore()
    {
        if (!IsStoring)
        {
            return null;
        }

        var settings = _run.Settings.Store;
        var done = _devices.Values.Select(d => (Entry: d, Summary: d.Summary())).ToList();
        var (flops, bytes) = (done.Sum(d => d.Summary.Flops), done.Sum(d => d.Summary.BytesSent));
        return new StoreSummary(
            settings.Mode.ToString().ToLowerInvariant(), settings.Codec.ToString().ToLowerInvariant(),
            _storeReport?.Stored.Values.Sum(s => (long)s) ?? 0, _storeReport?.MemoryBytes ?? 0, _storeReport?.DiskBytes ?? 0,
            done.Sum(d => d.Entry.SuppliedSamples), _storeReport?.Damaged ?? 0,
            flops, flops + done.Sum(d => d.Entry.SavedBlockFlops * d.Entry.Layers), bytes, bytes + done.Sum(d => d.Entry.SavedBytes));
    }

    private EpochTraffic Traffic(int epoch)
    {
        if (!_traffic.TryGetValue(epoch, out var traffic))
        {
            _traffic[epoch] = traffic = new EpochTraffic();
        }

        return traffic;
    }

    /// <summary>What came for the samples of an epoch.</summary>
    private sealed class EpochTraffic
    {
        public long Received { get; set; }

        public long Bytes { get; set; }

        public long Supplied { get; set; }
    }
}
