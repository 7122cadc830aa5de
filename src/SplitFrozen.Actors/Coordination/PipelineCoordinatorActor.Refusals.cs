using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>What the activation channel refused: counted, told in measure, and the end of a device that goes on sending it.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    private readonly Dictionary<(DeviceId Device, string Node), int> _faults = [];

    /// <summary>What was refused where other server nodes connect, by kind.</summary>
    private readonly Dictionary<FrameFault, long> _doorRefusals = [];

    private void Refused(ChannelRefusal refusal)
    {
        // Told when it happens first and each time its number has doubled: whoever floods the channel must not flood log and disk.
        if (long.IsPow2(refusal.Count))
        {
            _log.Warning("Refused what came over the channel of {Device}: {Fault} ({Count} so far), {Message}", refusal.Device, refusal.Fault, refusal.Count, refusal.Message);
            Notify(new RunEvent.ChannelRefused(refusal.Device, refusal.Fault.ToString(), refusal.Count, refusal.Message));
        }

        if (refusal is { IsPeersFault: true, Device: { } id } && _devices.TryGetValue(id, out var device) && device.Ref is not null)
        {
            PutUpWith(device, refusal);
        }
    }

    /// <summary>The connection and the life that sent it are over; the device may try again, but not for ever.</summary>
    private void PutUpWith(DeviceEntry device, ChannelRefusal refusal)
    {
        _peers.Channel.Close(device.Id);
        var faults = _faults[(device.Id, device.Node)] = _faults.GetValueOrDefault((device.Id, device.Node)) + 1;
        if (faults >= Admission.MostFaults)
        {
            Refuse(device, RefusalReason.BadFrames, $"what it sent was refused {faults} times, the last time because {refusal.Message}");
        }
    }

    private SortedDictionary<string, long> RefusalTotals()
    {
        var totals = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (fault, count) in _peers.Channel.Refusals.Concat(_doorRefusals))
        {
            totals[fault.ToString()] = totals.GetValueOrDefault(fault.ToString()) + count;
        }

        return totals;
    }
}
