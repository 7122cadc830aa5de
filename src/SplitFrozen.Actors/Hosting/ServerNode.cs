using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;

using SplitFrozen.Actors.Baselines;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

using ClusterSettings = SplitFrozen.Domain.Configuration.ClusterSettings;
using Settings = SplitFrozen.Domain.Configuration.Settings;

namespace SplitFrozen.Actors.Hosting;

/// <summary>A node of role server: allocator, shuffle, trainer and coordinator under one cluster singleton; or a standby, which waits to become that.</summary>
public sealed class ServerNode : Node
{
    internal const string Role = "server";
    internal const string StandbyName = "standby";
    internal const string SingletonName = "supervisor";
    internal const string SingletonManagerPath = "/user/server";

    /// <summary>The lease, not a pause, keeps two servers from working at once.</summary>
    private static readonly TimeSpan NoMargin = TimeSpan.FromMilliseconds(1);

    private readonly StandbySeat? _seat;

    private ServerNode(ActorSystem system, TlsIdentity? identity, StandbySeat? seat = null) : base(system, identity) => _seat = seat;

    private bool IsWaiting => _seat is { Run.IsCompleted: false };

    /// <inheritdoc/>
    public override Health Ready()
    {
        var member = base.Ready();
        return !member.IsGood || Finds($"{SingletonManagerPath}/{SingletonName}") ? member
            : IsWaiting ? new Health(true, "this node stands by")
            : new Health(false, "the server's actors are not on this node");
    }

    /// <summary>Starts the node; the run begins when enough devices have joined, and ends through <see cref="ServerRun.Result"/>.</summary>
    /// <param name="run">The run.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <param name="deviceNodes">How many device nodes must have joined before any member is up, or 0.</param>
    /// <exception cref="Domain.UserErrorException">An address cannot be listened on.</exception>
    public static ServerNode Start(ServerRun run, Config akka, int deviceNodes = 0)
    {
        (string, int)[] awaited = deviceNodes > 0 ? [(Devices.DeviceNodeActor.Role, deviceNodes)] : [];
        var (system, identity) = Start(run.Settings, akka, "server", awaited);
        if (run.Lease is { } lease)
        {
            KeepLease(system, lease, seat: null);
        }

        var singleton = TrainingMethods.HasTrainingDevices(run.Settings.Training.Method)
            ? Props.Create(() => new BaselineServerActor(run)) : Props.Create(() => new ServerSupervisorActor(run));
        StartSingleton(system, singleton, run.Settings.Cluster);
        Join(system, run.Settings.Cluster);
        return new ServerNode(system, identity);
    }

    /// <summary>Starts a node that stands by for the server of a run.</summary>
    /// <param name="settings">The configuration; its seed nodes name the active server.</param>
    /// <param name="lease">The run's lease.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <exception cref="Domain.UserErrorException">An address cannot be listened on.</exception>
    public static ServerNode StandBy(Settings settings, RunLease lease, Config akka)
    {
        var (system, identity) = Start(settings, akka, StandbyName);
        var seat = new StandbySeat();
        KeepLease(system, lease, seat);
        StartSingleton(system, Props.Create(() => new StandbyActor(seat)), settings.Cluster);
        Join(system, settings.Cluster);
        return new ServerNode(system, identity, seat);
    }

    /// <summary>Waits until this standby node is the server: it has the run's lease, and the active server is out of the cluster.</summary>
    /// <param name="stop">Cancelled when the node is to leave.</param>
    /// <exception cref="Domain.UserErrorException">The lease cannot be read.</exception>
    internal async Task<StandbyEnd> TurnAsync(CancellationToken stop)
    {
        var seat = _seat ?? throw new InvalidOperationException("This node does not stand by.");
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stop.Register(() => stopped.TrySetResult());
        var first = await Task.WhenAny(seat.Lease, stopped.Task, System.WhenTerminated).ConfigureAwait(false);
        if (first == seat.Lease && seat.Lease.IsCompletedSuccessfully)
        {
            FormClusterIfAlone();
            first = await Task.WhenAny(seat.Turn, stopped.Task, System.WhenTerminated).ConfigureAwait(false);
        }

        if (first == seat.Lease && seat.Lease.IsFaulted)
        {
            await seat.Lease.ConfigureAwait(false);
        }

        return stop.IsCancellationRequested ? StandbyEnd.Stopped
            : first == System.WhenTerminated ? StandbyEnd.CutOff
            : first == seat.Lease ? StandbyEnd.RunOver
            : StandbyEnd.Turn;
    }

    /// <summary>Waits for the run's result.</summary>
    /// <param name="run">The run; a node that stood by begins with it now.</param>
    /// <exception cref="RunFailedException">The run could not start or go on, this node was cut off, or another has taken over.</exception>
    public async Task<RunSummary> ResultAsync(ServerRun run)
    {
        _seat?.Begin(run);
        using var lost = run.Lease?.Lost.Register(() => run.Fail(run.Lease.TakenOver()));
        await Task.WhenAny(run.Result, System.WhenTerminated).ConfigureAwait(false);
        if (!run.Result.IsCompleted)
        {
            run.Fail(new RunFailedException(
                RunFailure.ServerLost, $"This server was cut off from the cluster and left it. What was trained until the last checkpoint is kept in {run.Paths.Checkpoints}; --resume goes on from there."));
        }

        try
        {
            return await run.Result.ConfigureAwait(false);
        }
        catch (RunFailedException e) when (e.Failure == RunFailure.TakenOver)
        {
            // To leave in order would tell devices that the run is over.
            await EndAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static (ActorSystem System, TlsIdentity? Identity) Start(Settings settings, Config akka, string name, params (string, int)[] awaited)
    {
        var identity = TlsIdentity.Load(settings.Security.Tls);
        return (Start(settings.Cluster, ActorConfig.ForNode(akka, settings.Cluster, [Role, NodeName.Role(name)], awaited), identity), identity);
    }

    private static void KeepLease(ActorSystem system, RunLease lease, StandbySeat? seat) => system.ActorOf(
        Props.Create(() => new LeaseKeeperActor(lease, seat)).WithDispatcher(ActorConfig.ComputeDispatcher), LeaseKeeperActor.Name);

    private static void StartSingleton(ActorSystem system, Props singleton, ClusterSettings cluster)
    {
        var settings = ClusterSingletonManagerSettings.Create(system).WithRole(Role).WithSingletonName(SingletonName);
        system.ActorOf(
            ClusterSingletonManager.Props(
                singleton, ServerSupervisorActor.Terminate.Instance, cluster.Standby ? settings.WithRemovalMargin(NoMargin) : settings),
            "server");
    }

    private static void Join(ActorSystem system, ClusterSettings settings)
    {
        var cluster = Cluster.Get(system);
        if (settings.SeedNodes.Count == 0)
        {
            cluster.Join(cluster.SelfAddress);
        }
        else
        {
            SeedNode.Join(cluster, settings.SeedNodes.Select(n => SeedNode.Parse(n, settings.Name)));
        }
    }

    /// <summary>Where the active server was lost before this node was let in there is no cluster left to join: this node forms one, and devices find it by their seed nodes.</summary>
    private void FormClusterIfAlone()
    {
        var cluster = Cluster.Get(System);
        if (cluster.State.Members.IsEmpty)
        {
            cluster.Join(cluster.SelfAddress);
        }
    }
}

/// <summary>How a standby node's waiting ended.</summary>
internal enum StandbyEnd
{
    /// <summary>It is the server now.</summary>
    Turn,

    /// <summary>The active server ended in order: there is nothing to take over.</summary>
    RunOver,

    /// <summary>It was told to stop.</summary>
    Stopped,

    /// <summary>It was cut off from a server that lives, and may join again.</summary>
    CutOff,
}
