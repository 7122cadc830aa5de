using Akka.Actor;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Allocation;

/// <summary>Turns the capacity that devices report into layer counts, with reasons, by the policy of the configuration. Answers at once: it never computes.</summary>
internal sealed class AllocatorActor : ReceiveActor
{
    private readonly AllocationSetting _setting;
    private readonly Dictionary<DeviceId, Report> _devices = [];
    private AllocationEpoch _epoch;

    public AllocatorActor(AllocationSetting setting)
    {
        _setting = setting;
        Receive<Report>(m => _devices[m.Capacity.Device] = m);
        Receive<Forget>(m => _devices.Remove(m.Device));
        Receive<DeviceEvents.Heartbeat>(Refresh);
        Receive<Allocate>(_ =>
        {
            _epoch = new AllocationEpoch(_epoch.Value + 1);
            Sender.Tell(new Allocated(_epoch, Allocator.Decide(_setting.Policy, Input())));
        });
    }

    private void Refresh(DeviceEvents.Heartbeat beat)
    {
        if (_devices.TryGetValue(beat.Device, out var known))
        {
            _devices[beat.Device] = known with { Capacity = known.Capacity with { Capacity = beat.Capacity } };
        }
    }

    private AllocationInput Input() => new(
        _setting.Cut, Math.Min(_setting.Settings.Min, _setting.Cut), _setting.Sizes, new ServerMeasure(null, 0),
        [.. _devices.Values.Select(r => new DeviceMeasure(
            r.Capacity.Device, r.Capacity.Node, r.Capacity.Capacity.LayerTokensPerSecond, null, r.Capacity.Capacity.FreeMemoryBytes, 0, null, r.Samples))]);

    /// <summary>A device is there, with this capacity and so many samples.</summary>
    internal sealed record Report(DeviceCapacity Capacity, long Samples) : ILocalMessage;

    /// <summary>A device is gone.</summary>
    internal sealed record Forget(DeviceId Device) : ILocalMessage;

    /// <summary>Draw up an allocation for all devices that are there.</summary>
    internal sealed record Allocate : ILocalMessage
    {
        public static Allocate Instance { get; } = new();
    }

    /// <summary>The allocation drawn up.</summary>
    internal sealed record Allocated(AllocationEpoch Epoch, IReadOnlyList<LayerAssignment> Assignments) : ILocalMessage;
}
