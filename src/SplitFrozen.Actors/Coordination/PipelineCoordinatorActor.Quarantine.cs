using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

using SplitFrozen.Actors.Devices;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// What the control plane refused: counted by node, told in measure, and the end of a node that goes on sending it. Its devices are put out and its membership ends, so that Akka
/// reads nothing more of it. Shared devices move to other nodes; a device whose data lives there alone is waited for, as any lost one is.
/// </summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>What is refused within this time of the last that counted is the same fault.</summary>
    private static readonly TimeSpan OneFault = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Address, ControlFaults> _controlFaults = [];

    private void Refused(ControlRefused refusal)
    {
        if (!_controlFaults.TryGetValue(refusal.From, out var faults))
        {
            _controlFaults[refusal.From] = faults = new ControlFaults();
        }

        faults.Refused++;
        if (long.IsPow2(faults.Refused))
        {
            _log.Warning("Refused what came over the control plane from {Node} ({Count} so far): {Reason}", refusal.From, faults.Refused, refusal.Reason);
            Notify(new RunEvent.ControlRefused(refusal.From.ToString(), faults.Refused, refusal.Reason));
        }

        // Of too much the server drops many messages in a moment; garbage counts each time, since nobody sends that by being busy.
        if (refusal.Device is null || faults.CountedAt is not { } last || Time.GetElapsedTime(last) >= OneFault)
        {
            (faults.Counted, faults.CountedAt) = (faults.Counted + 1, Time.GetTimestamp());
            if (faults.Counted == Admission.MostFaults)
            {
                Quarantine(refusal.From, refusal.Reason);
            }
        }
    }

    private void Quarantine(Address node, string reason)
    {
        var devices = _devices.Values.Where(d => d.Ref?.Path.Address == node).ToList();
        _log.Error("Node {Node} is put out: {Reason}", node, reason);
        Notify(new RunEvent.NodeQuarantined(node.ToString(), [.. devices.Select(d => d.Id)], reason));
        RaiseAlarm($"node {node} is put out: {reason}");
        foreach (var device in devices)
        {
            _faults[(device.Id, device.Node)] = Admission.MostFaults;
            Refuse(device, RefusalReason.BadFrames, $"its node's messages were refused {Admission.MostFaults} times, the last time because {reason}");
        }

        // Only a device's node: stages of a server node are not given away for this.
        var cluster = Cluster.Get(Context.System);
        if (cluster.State.Members.FirstOrDefault(m => m.Address == node) is { } member && member.HasRole(DeviceNodeActor.Role))
        {
            cluster.Down(node);
        }
    }

    /// <summary>What was refused of one node.</summary>
    private sealed class ControlFaults
    {
        public long Refused { get; set; }

        public int Counted { get; set; }

        public long? CountedAt { get; set; }
    }
}
