using Akka.Actor;

using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// Control messages may get lost when an association breaks. What a device was told is told again when nothing comes of it for some heartbeats; a device passes
/// over grants that it knows, and credits are cumulative, so that it does no harm to one that is merely slow.
/// </summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>So many heartbeats without progress are looked at as one.</summary>
    private const int HeartbeatsToRemind = 5;

    private void StartReminding() => Timers.StartPeriodicTimer(
        nameof(Remind), Remind.Instance, TimeSpan.FromMilliseconds(HeartbeatsToRemind * _run.Spec.HeartbeatMilliseconds));

    private void RemindDevices()
    {
        foreach (var device in _devices.Values)
        {
            if (_ending && !device.Finished)
            {
                device.Ref?.Tell(new DeviceCommands.Finish(device.Id));
            }
            else if (!_ending && device is { IsPrepared: true, IsTold: true, Ref: { } actor } && device.LooksStalled())
            {
                if (device.Confirmed != device.Allocation)
                {
                    TellLayers(device);
                }

                actor.Tell(new DeviceCommands.ReturnCredits(device.Id, device.Incarnation, device.PlacedUnits));
                foreach (var grant in device.Outstanding())
                {
                    actor.Tell(grant);
                }
            }
        }
    }

    /// <summary>Look whether a device waits for something that was lost.</summary>
    private sealed record Remind : ILocalMessage
    {
        public static Remind Instance { get; } = new();
    }
}
