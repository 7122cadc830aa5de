using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Decides whether a server node may hold trainer stages.</summary>
internal static class ServerAdmission
{
    /// <param name="greeting">Who wants to.</param>
    /// <param name="run">What is trained.</param>
    /// <param name="servers">Server nodes that the run has stages on.</param>
    /// <param name="closed">Whether the run is ending.</param>
    /// <param name="standby">Whether a standby server may take over.</param>
    /// <returns>What is wrong and what to do, or null when it may.</returns>
    public static string? Check(ServerEvents.Greeted greeting, RunSpec run, int servers, bool closed, bool standby = false)
    {
        if (greeting.IsMain)
        {
            return null;
        }

        if (greeting.ProtocolVersion != ProtocolVersion.Current || greeting.Release != Release.Current)
        {
            var theirs = string.IsNullOrEmpty(greeting.Release) ? "an unnamed release" : $"release {greeting.Release}";
            return $"it is {theirs} and speaks version {greeting.ProtocolVersion} of the protocol, the main server is release {Release.Current} and speaks {ProtocolVersion.Current}; run the same release on all nodes";
        }

        return greeting.KnowsStandby != standby ? Admission.StandbyDiffers(standby)
            : servers == 1 ? "this run has all its stages on the main server; set splitfrozen.start.servers there to the number of server nodes, and splitfrozen.pipeline.stages"
            : !string.Equals(greeting.ModelFingerprint, run.ModelFingerprint, StringComparison.OrdinalIgnoreCase) ? "its model folder differs from the main server's; give both the same files (splitfrozen.model.path)"
            : greeting.Threads != run.Threads ? $"it computes with {greeting.Threads} threads, the main server with {run.Threads}, and equal bits are promised for equal numbers only; set splitfrozen.training.threads alike"
            : closed ? "the run is ending"
            : null;
    }
}
