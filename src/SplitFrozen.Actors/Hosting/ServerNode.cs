using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;

using SplitFrozen.Actors.Baselines;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Hosting;

/// <summary>A node of role server: allocator, shuffle, trainer and coordinator under one cluster singleton.</summary>
public sealed class ServerNode : Node
{
    internal const string Role = "server";
    internal const string SingletonName = "supervisor";
    internal const string SingletonManagerPath = "/user/server";

    private ServerNode(ActorSystem system, TlsIdentity? identity) : base(system, identity)
    {
    }

    /// <inheritdoc/>
    public override Health Ready()
    {
        var member = base.Ready();
        return !member.IsGood || Finds($"{SingletonManagerPath}/{SingletonName}") ? member : new Health(false, "the server's actors are not on this node");
    }

    /// <summary>Starts the node; the run begins when enough devices have joined, and ends through <see cref="ServerRun.Result"/>.</summary>
    /// <param name="run">The run.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <param name="deviceNodes">How many device nodes must have joined before any member is up, or 0.</param>
    /// <exception cref="Domain.UserErrorException">An address cannot be listened on.</exception>
    public static ServerNode Start(ServerRun run, Config akka, int deviceNodes = 0)
    {
        var settings = run.Settings.Cluster;
        (string, int)[] awaited = deviceNodes > 0 ? [(Devices.DeviceNodeActor.Role, deviceNodes)] : [];
        var identity = TlsIdentity.Load(run.Settings.Security.Tls);
        var system = Start(settings, ActorConfig.ForNode(akka, settings, [Role, NodeName.Role("server")], awaited), identity);
        var singleton = TrainingMethods.HasTrainingDevices(run.Settings.Training.Method)
            ? Props.Create(() => new BaselineServerActor(run)) : Props.Create(() => new ServerSupervisorActor(run));
        system.ActorOf(
            ClusterSingletonManager.Props(
                singleton, ServerSupervisorActor.Terminate.Instance,
                ClusterSingletonManagerSettings.Create(system).WithRole(Role).WithSingletonName(SingletonName)),
            "server");
        var cluster = Cluster.Get(system);
        if (settings.SeedNodes.Count == 0)
        {
            cluster.Join(cluster.SelfAddress);
        }
        else
        {
            SeedNode.Join(cluster, settings.SeedNodes.Select(n => SeedNode.Parse(n, settings.Name)));
        }

        return new ServerNode(system, identity);
    }
}
