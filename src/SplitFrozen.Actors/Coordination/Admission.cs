using Akka.Actor;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Decides whether a device may take part.</summary>
internal static class Admission
{
    /// <summary>So often a device's own faults are put up with; on another node it may try again.</summary>
    public const int MostFaults = 3;

    /// <param name="greeting">Who wants to.</param>
    /// <param name="known">What is known of the device.</param>
    /// <param name="sender">Who speaks for it.</param>
    /// <param name="run">What is trained.</param>
    /// <param name="faults">How often what the device sent from this node was refused.</param>
    /// <param name="closed">Whether the run is ending.</param>
    /// <param name="standby">Whether a standby server may take over.</param>
    /// <returns>The refusal, or null when it may.</returns>
    public static DeviceCommands.Refuse? Check(DeviceEvents.Greeted greeting, DeviceEntry? known, IActorRef sender, RunSpec run, int faults, bool closed, bool standby = false)
    {
        DeviceCommands.Refuse Refuse(RefusalReason reason, string explanation) => new(greeting.Device, greeting.Incarnation, reason, explanation);

        if (greeting.ProtocolVersion != ProtocolVersion.Current || greeting.Release != Release.Current)
        {
            var theirs = string.IsNullOrEmpty(greeting.Release) ? "an unnamed release" : $"release {greeting.Release}";
            return Refuse(
                RefusalReason.OtherVersion,
                $"it is {theirs} and speaks version {greeting.ProtocolVersion} of the protocol, the server is release {Release.Current} and speaks {ProtocolVersion.Current}; run the same release on all nodes");
        }

        if (!string.Equals(greeting.ModelFingerprint, run.ModelFingerprint, StringComparison.OrdinalIgnoreCase))
        {
            return Refuse(RefusalReason.OtherModel, $"its model folder differs from the server's (fingerprint {Short(greeting.ModelFingerprint)}, not {Short(run.ModelFingerprint)}); give both the same files (splitfrozen.model.path)");
        }

        if (greeting.KnowsStandby != standby)
        {
            return Refuse(RefusalReason.OtherStandby, StandbyDiffers(standby));
        }

        var method = run.Method?.Name ?? TrainingMethods.SplitFrozen;
        if (greeting.Method != method)
        {
            return Refuse(RefusalReason.OtherMethod, $"its node is set to method {greeting.Method}, the server to {method}; set splitfrozen.training.method alike on all nodes");
        }

        if (!greeting.Pinned && !SharedDevices.Contains(greeting.Device, run.Partition.Devices))
        {
            return Refuse(RefusalReason.BadId, $"it names no part of the data, which the server splits into {run.Partition.Devices}; set splitfrozen.data.devices alike on all nodes");
        }

        if (known?.Ref is { } holder && !holder.Equals(sender))
        {
            return Refuse(RefusalReason.IdTaken, $"the id is taken by a device on {known.Node}; give each device an id of its own (splitfrozen.device.id)");
        }

        if (faults >= MostFaults)
        {
            return Refuse(RefusalReason.BadFrames, $"what it sent was refused {faults} times; mend or replace node {greeting.Node}, then start the run again");
        }

        return closed ? Refuse(RefusalReason.RunClosed, "the run is ending and takes no more devices") : null;
    }

    /// <summary>Nodes that would decide by different rules which side of a broken cluster lives must not be in one.</summary>
    public static string StandbyDiffers(bool standby) =>
        $"splitfrozen.cluster.standby is {(standby ? "on" : "off")} at the server and {(standby ? "off" : "on")} there; set it alike on all nodes";

    private static string Short(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;
}
