using System.Net.Sockets;

using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;

using ClusterSettings = SplitFrozen.Domain.Configuration.ClusterSettings;

namespace SplitFrozen.Actors.Hosting;

/// <summary>A member of the cluster: an actor system of its own, which leaves in order when it is disposed.</summary>
public abstract class Node : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

    private readonly TlsIdentity? _identity;

    private protected Node(ActorSystem system, TlsIdentity? identity = null) => (System, _identity) = (system, identity);

    /// <summary>The node's actor system.</summary>
    public ActorSystem System { get; }

    /// <summary>Where other nodes reach it.</summary>
    public Address Address => Cluster.Get(System).SelfAddress;

    /// <summary>Whether the node's actors answer; may wait a little.</summary>
    public Health Live() => Finds("/user") ? new Health(true, "alive") : new Health(false, "the node's actors do not answer");

    /// <summary>Whether the node takes part in the cluster; may wait a little.</summary>
    public virtual Health Ready()
    {
        var status = Cluster.Get(System).SelfMember.Status;
        return new Health(status == MemberStatus.Up, $"this node is {status.ToString().ToLowerInvariant()}");
    }

    /// <summary>Whether an actor of this node is there and answers.</summary>
    private protected bool Finds(string path)
    {
        try
        {
            return System.ActorSelection(path).Ask<ActorIdentity>(new Identify(path), AnswerLimit).GetAwaiter().GetResult().Subject is not null;
        }
        catch (Exception e) when (e is AskTimeoutException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>Leaves the cluster, stops all actors and waits until that is done.</summary>
    public async ValueTask DisposeAsync()
    {
        await CoordinatedShutdown.Get(System).Run(CoordinatedShutdown.ClusterLeavingReason.Instance).ConfigureAwait(false);
        _identity?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Stops all actors without leaving first: for a cluster that ends as a whole, where nobody is left to hand over to.</summary>
    internal Task EndAsync() => CoordinatedShutdown.Get(System)
        .Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance, CoordinatedShutdown.PhaseBeforeActorSystemTerminate);

    /// <summary>Starts an actor system; an address that cannot be listened on becomes an error that names its keys.</summary>
    /// <param name="cluster">Where it listens.</param>
    /// <param name="config">Its settings.</param>
    /// <param name="identity">Certificates of the control plane, or null for plain connections.</param>
    private protected static ActorSystem Start(ClusterSettings cluster, Config config, TlsIdentity? identity)
    {
        try
        {
            return identity is null
                ? ActorSystem.Create(cluster.Name, config)
                : ActorSystem.Create(cluster.Name, BootstrapSetup.Create().WithConfig(ActorConfig.Secured.WithFallback(config)).And(identity.ForRemoting()));
        }
        catch (Exception e) when (Causes(e).OfType<SocketException>().FirstOrDefault() is { } cause)
        {
            throw new UserErrorException(
                $"The cluster's control plane cannot listen on {cluster.Host}:{cluster.Port} ({cause.Message}). Set splitfrozen.cluster.host and splitfrozen.cluster.port to a free address of this machine; port 0 takes any free one.", e);
        }
    }

    private static IEnumerable<Exception> Causes(Exception e)
    {
        yield return e;
        var inner = e is AggregateException many ? many.InnerExceptions : e.InnerException is { } one ? [one] : [];
        foreach (var cause in inner.SelectMany(Causes))
        {
            yield return cause;
        }
    }
}
