using Akka.Actor;
using Akka.Cluster;
using Akka.Coordination;

using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Hosting;

/// <summary>
/// The run's lease as the split brain resolver (lease-majority) knows it; named in akka.conf. The side whose server has the lease lives. The resolver may decide on any
/// node, device nodes included, which do not reach the run's folder: so it asks the server nodes on its side (<see cref="LeaseKeeperActor"/>).
/// </summary>
internal sealed class RunLeaseOfCluster : Lease
{
    private readonly ActorSystem _system;

    public RunLeaseOfCluster(LeaseSettings settings, ExtendedActorSystem system) : base(settings) => _system = system;

    /// <inheritdoc/>
    public override Task<bool> Acquire(Action<Exception> leaseLostCallback) => Acquire();

    /// <inheritdoc/>
    public override async Task<bool> Acquire()
    {
        var state = Cluster.Get(_system).State;
        var servers = state.Members.Where(m => m.HasRole(ServerNode.Role) && !state.Unreachable.Contains(m)).Select(m => m.Address).ToList();
        return (await Task.WhenAll(servers.Select(AskAsync)).ConfigureAwait(false)).Any(isHeld => isHeld);
    }

    /// <summary>Nothing to do: the server gives the lease up when the run is over, not the resolver when it has decided.</summary>
    public override Task<bool> Release() => Task.FromResult(true);

    /// <summary>Never by a look of its own: the lease is asked for at each decision.</summary>
    public override bool CheckLease() => false;

    private async Task<bool> AskAsync(Address server)
    {
        try
        {
            var keeper = _system.ActorSelection(new RootActorPath(server) / "user" / LeaseKeeperActor.Name);
            return (await keeper.Ask<LeaseMessages.Answer>(new LeaseMessages.Ask(), Settings.TimeoutSettings.OperationTimeout).ConfigureAwait(false)).IsHeld;
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }
}
