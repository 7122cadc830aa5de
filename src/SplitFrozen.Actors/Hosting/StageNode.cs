using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;

using SplitFrozen.Actors.Devices;
using SplitFrozen.Actors.Security;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

using ClusterSettings = SplitFrozen.Domain.Configuration.ClusterSettings;

namespace SplitFrozen.Actors.Hosting;

/// <summary>
/// A further server node, which holds trainer stages and nothing else. Its role is not that of the main one: it is no standby, and the split brain resolver
/// does not count it.
/// </summary>
public sealed class StageNode : Node
{
    /// <summary>The role of further server nodes.</summary>
    internal const string Role = "stage";

    private StageNode(ActorSystem system, Task ended) : base(system) => Ended = ended;

    /// <summary>Completes when the run is over; fails with what kept the node from taking part.</summary>
    public Task Ended { get; }

    /// <summary>Starts the node and lets it join.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <param name="deviceNodes">How many device nodes must have joined before any member is up, or 0; the same as on the server.</param>
    /// <exception cref="UserErrorException">An address cannot be listened on, or no seed node is given.</exception>
    public static StageNode Start(StageNodeOptions options, Config akka, int deviceNodes = 0)
    {
        var cluster = options.Cluster;
        if (cluster.SeedNodes.Count == 0)
        {
            throw new UserErrorException("A further server node needs the main server's address: splitfrozen server --join HOST:PORT (splitfrozen.cluster.seed-nodes).");
        }

        var seeds = cluster.SeedNodes.Select(n => SeedNode.Parse(n, cluster.Name)).ToList();
        (string, int)[] awaited = deviceNodes > 0 ? [(DeviceNodeActor.Role, deviceNodes)] : [];
        var system = Start(cluster, ActorConfig.ForNode(akka, cluster, [Role, NodeName.Role(options.Profile.Name)], awaited), options.Identity);
        var member = Cluster.Get(system);
        member.RegisterOnMemberUp(() => system.ActorOf(Props.Create(() => new StageNodeActor(options)), "stage-node"));
        SeedNode.Join(member, seeds);
        return new StageNode(system, EndedAsync(options, system));
    }

    /// <summary>Ends with the run, or when no server has answered in time, or when the node was cut off from the cluster and so ended itself.</summary>
    private static async Task EndedAsync(StageNodeOptions options, ActorSystem system)
    {
        try
        {
            if (options.StartLimit is { } limit)
            {
                await Task.WhenAny(options.Welcomed.Task, options.Done.Task, system.WhenTerminated).WaitAsync(limit).ConfigureAwait(false);
            }
        }
        catch (TimeoutException e)
        {
            throw new RunFailedException(
                RunFailure.NotStarted,
                $"No main server answered within {options.StartLimit?.TotalSeconds:0} s (splitfrozen.start.limit). Is it running, and are its address and port those given ({string.Join(", ", options.Cluster.SeedNodes)})?",
                e);
        }

        await Task.WhenAny(options.Done.Task, system.WhenTerminated).ConfigureAwait(false);
        if (!options.Done.Task.IsCompleted)
        {
            throw new RunFailedException(RunFailure.Broken, "The node was cut off from the main server, and left the cluster. Start it again.");
        }

        await options.Done.Task.ConfigureAwait(false);
    }
}

/// <summary>What a further server node is made of.</summary>
/// <param name="Cluster">Where it is reached and whom it joins.</param>
/// <param name="Profile">Its name and what it pretends to be.</param>
/// <param name="Model">The model folder.</param>
/// <param name="Threads">Threads of its matrix products.</param>
/// <param name="Host">Address where other server nodes connect.</param>
/// <param name="Port">Port, or 0 for a free one.</param>
/// <param name="MaxFrameBytes">Largest frame between server nodes.</param>
/// <param name="Identity">Certificates, or null for plain connections.</param>
/// <param name="StartLimit">How long it may take until the main server answers, or null: someone else watches over the start.</param>
public sealed record StageNodeOptions(
    ClusterSettings Cluster, NodeProfile Profile, IModelSource Model, int Threads, string Host, int Port, int MaxFrameBytes, TlsIdentity? Identity,
    TimeSpan? StartLimit)
{
    internal TaskCompletionSource Welcomed { get; private init; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TaskCompletionSource Done { get; private init; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The same node, to be started again.</summary>
    internal StageNodeOptions Again() => this with
    {
        Welcomed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
        Done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
    };
}

/// <summary>Keeps a further server node: starts the part that holds stages, and ends the node with the run or with the main server.</summary>
internal sealed class StageNodeActor : ReceiveActor
{
    private readonly StageNodeOptions _options;
    private IActorRef _server = ActorRefs.Nobody;
    private IActorRef _stages = ActorRefs.Nobody;

    public StageNodeActor(StageNodeOptions options)
    {
        _options = options;
        Receive<ClusterEvent.MemberRemoved>(ServerRemoved);
        Receive<Terminated>(m => m.ActorRef.Equals(_stages), _ => StartStages());
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(error =>
    {
        End(error is ActorInitializationException { InnerException: { } inner } ? inner.GetBaseException() : error);
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        Cluster.Get(Context.System).Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));
        _server = Context.ActorOf(
            ClusterSingletonProxy.Props(ServerNode.SingletonManagerPath, ClusterSingletonProxySettings.Create(Context.System)
                .WithRole(ServerNode.Role).WithSingletonName(ServerNode.SingletonName)),
            "server");
        StartStages();
    }

    protected override void PostStop() => Cluster.Get(Context.System).Unsubscribe(Self);

    private void StartStages()
    {
        var door = new DoorOptions(_options.Host, _options.Port, _options.Identity, _options.MaxFrameBytes);
        var host = new StageHostOptions(_options.Model, _options.Profile, _options.Threads, _server, door, Vault: null)
        {
            Ended = End,
            Welcomed = () => _options.Welcomed.TrySetResult(),
            KnowsStandby = _options.Cluster.Standby,
        };
        _stages = Context.ActorOf(Props.Create(() => new StageHostActor(host)));
    }

    private void ServerRemoved(ClusterEvent.MemberRemoved removed)
    {
        switch (Successions.Of(Cluster.Get(Context.System).State, removed))
        {
            case Succession.ServerChanges:
                // The next main server gives its stages the state that they go on from. The port is free for them once the actor has stopped.
                Context.Watch(_stages);
                Context.Stop(_stages);
                break;
            case Succession.ServerLost:
                End(removed.PreviousStatus == MemberStatus.Exiting
                    ? null
                    : new RunFailedException(RunFailure.Broken, $"The main server on {removed.Member.Address} was lost. Start it again, then this node."));
                break;
        }
    }

    private void End(Exception? error)
    {
        if (error is null)
        {
            _options.Done.TrySetResult();
        }
        else
        {
            _options.Done.TrySetException(error);
        }
    }
}
