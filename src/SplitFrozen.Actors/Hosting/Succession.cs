using Akka.Cluster;

namespace SplitFrozen.Actors.Hosting;

/// <summary>What it means to a node that a member left the cluster.</summary>
internal enum Succession
{
    /// <summary>Nothing: it was no server, or a standby, or a server that ended the run in order and whose standby ends with it.</summary>
    None,

    /// <summary>The server was lost and a standby takes over.</summary>
    ServerChanges,

    /// <summary>No server is left.</summary>
    ServerLost,
}

/// <summary>Tells it.</summary>
internal static class Successions
{
    /// <param name="state">The cluster as it is seen.</param>
    /// <param name="removed">The member.</param>
    public static Succession Of(ClusterEvent.CurrentClusterState state, ClusterEvent.MemberRemoved removed)
    {
        if (!removed.Member.HasRole(ServerNode.Role))
        {
            return Succession.None;
        }

        var others = state.Members.Where(m => m.HasRole(ServerNode.Role) && m.UniqueAddress != removed.Member.UniqueAddress && m.Status != MemberStatus.Down).ToList();
        return others.Count == 0 ? Succession.ServerLost
            : removed.PreviousStatus != MemberStatus.Exiting && others.TrueForAll(removed.Member.IsOlderThan) ? Succession.ServerChanges
            : Succession.None;
    }
}
