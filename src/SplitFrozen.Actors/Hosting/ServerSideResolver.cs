using System.Diagnostics;

using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

namespace SplitFrozen.Actors.Hosting;

/// <summary>
/// The split brain resolver of a cluster with one server; named in akka.conf. Its rule is that of keep-majority among servers: the side that has the server goes on. Akka's own
/// keep-majority also downs everybody at both ends of links that work in one direction only, and lets the leader of a side decide, whoever that is: one device with a bad link
/// would take the server with it. Here nobody downs the server: it decides about the others, and every other node about itself alone.
/// </summary>
internal sealed class ServerSideResolver : IDowningProvider
{
    private readonly Cluster _cluster;

    /// <summary>Called by Akka.Cluster.</summary>
    public ServerSideResolver(ActorSystem system, Cluster cluster) =>
        (_cluster, DownRemovalMargin) = (cluster, system.Settings.Config.GetTimeSpan("akka.cluster.split-brain-resolver.stable-after"));

    /// <inheritdoc/>
    public TimeSpan DownRemovalMargin { get; }

    /// <inheritdoc/>
    public Props DowningActorProps
    {
        get
        {
            var (cluster, stableAfter) = (_cluster, DownRemovalMargin);
            return Props.Create(() => new ServerSideResolverActor(cluster, stableAfter));
        }
    }
}

/// <summary>Downs members that stay unreachable, on the server; on any other node, the node itself when that is so of the server.</summary>
internal sealed class ServerSideResolverActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LongestTick = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<UniqueAddress, long> _unreachableSince = [];
    private readonly Cluster _cluster;
    private readonly TimeSpan _stableAfter;

    /// <param name="cluster">This node's cluster.</param>
    /// <param name="stableAfter">How long a member may be unreachable.</param>
    public ServerSideResolverActor(Cluster cluster, TimeSpan stableAfter)
    {
        (_cluster, _stableAfter) = (cluster, stableAfter);
        Receive<Tick>(_ => Look());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() =>
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, _stableAfter / 4 < LongestTick ? _stableAfter / 4 : LongestTick);

    private void Look()
    {
        var state = _cluster.State;
        Note(state.Unreachable);
        if (_unreachableSince.Count == 0 || state.Members.All(m => m.UniqueAddress != _cluster.SelfUniqueAddress || !Counts(m)))
        {
            return;
        }

        if (MainServer(state) is not { } server)
        {
            return;
        }

        if (server.UniqueAddress != _cluster.SelfUniqueAddress)
        {
            DownSelfWithout(server);
            return;
        }

        foreach (var member in state.Unreachable.Where(m => Counts(m) && UnreachableTime(m) >= ServerPatience(m)))
        {
            Down(member.Address, $"{NodeName.Of(member)} has been unreachable for {UnreachableTime(member).TotalSeconds:0.0} s");
        }
    }

    private void Note(IReadOnlyCollection<Member> unreachable)
    {
        var now = Stopwatch.GetTimestamp();
        foreach (var healed in _unreachableSince.Keys.Except(unreachable.Select(m => m.UniqueAddress)).ToList())
        {
            _unreachableSince.Remove(healed);
        }

        foreach (var member in unreachable)
        {
            _unreachableSince.TryAdd(member.UniqueAddress, now);
        }
    }

    private void DownSelfWithout(Member server)
    {
        if (UnreachableTime(server) >= Patience(server))
        {
            Down(_cluster.SelfAddress, $"the server on {server.Address} has been unreachable for {UnreachableTime(server).TotalSeconds:0.0} s: this node leaves");
        }
    }

    /// <summary>The one that has the run's singleton. Should there be others, against the configuration, they are nodes like any.</summary>
    private static Member? MainServer(ClusterEvent.CurrentClusterState state) =>
        state.Members.Where(m => m.HasRole(ServerNode.Role) && Counts(m)).Aggregate((Member?)null, (oldest, m) => oldest is null || m.IsOlderThan(oldest) ? m : oldest);

    private static bool Counts(Member member) => member.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up or MemberStatus.Leaving;

    private TimeSpan UnreachableTime(Member member) =>
        _unreachableSince.TryGetValue(member.UniqueAddress, out var since) ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>
    /// Of whom the server hears itself, or whom it does not listen to (in a large cluster each node listens to a few), others say that they are unreachable. That may be the others' fault:
    /// it goes away with them, if the server does not hear them either. Where it stays, two nodes do not reach each other, and the cluster could let nobody in or out while it has both.
    /// </summary>
    private TimeSpan ServerPatience(Member member) => IsSilent(member) ? _stableAfter : 2 * _stableAfter;

    /// <summary>What others say of the server is for the server to put right, by downing them; a node that does not listen to it gives it the time for that.</summary>
    private TimeSpan Patience(Member server) =>
        IsSilent(server) ? _stableAfter : _cluster.FailureDetector.IsMonitoring(server.Address) ? TimeSpan.MaxValue : 3 * _stableAfter;

    /// <summary>Whether this node listens to the member and hears nothing.</summary>
    private bool IsSilent(Member member) =>
        _cluster.FailureDetector.IsMonitoring(member.Address) && !_cluster.FailureDetector.IsAvailable(member.Address);

    private void Down(Address address, string reason)
    {
        _log.Warning("{Address} is downed: {Reason}", address, reason);
        _cluster.Down(address);
    }

    private sealed record Tick : ILocalMessage
    {
        public static Tick Instance { get; } = new();
    }
}
