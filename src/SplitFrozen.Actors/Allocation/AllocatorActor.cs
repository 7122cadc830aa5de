using Akka.Actor;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Allocation;

/// <summary>Turns the capacity that devices report into layer counts, with reasons. Answers at once: it never computes.</summary>
internal sealed class AllocatorActor : ReceiveActor
{
    private readonly int _cut;
    private readonly Dictionary<DeviceId, DeviceCapacity> _devices = [];
    private AllocationEpoch _epoch;

    public AllocatorActor(int cut)
    {
        _cut = cut;
        Receive<Report>(m => _devices[m.Capacity.Device] = m.Capacity);
        Receive<Forget>(m => _devices.Remove(m.Device));
        Receive<DeviceEvents.Heartbeat>(Refresh);
        Receive<Allocate>(_ =>
        {
            _epoch = new AllocationEpoch(_epoch.Value + 1);
            Sender.Tell(new Allocated(_epoch, ProportionalAllocation.Assign([.. _devices.Values], _cut)));
        });
    }

    private void Refresh(DeviceEvents.Heartbeat beat)
    {
        if (_devices.TryGetValue(beat.Device, out var known))
        {
            _devices[beat.Device] = known with { Capacity = beat.Capacity };
        }
    }

    /// <summary>A device is there, with this capacity.</summary>
    internal sealed record Report(DeviceCapacity Capacity) : ILocalMessage;

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
