using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;

using SplitFrozen.Actors.Devices;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Actors.Hosting;

/// <summary>A node of role device.</summary>
public sealed class DeviceNodeHost : Node
{
    /// <summary>A device stops by itself sooner than this.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(15);

    private readonly DeviceNodeOptions _options;

    private DeviceNodeHost(ActorSystem system, DeviceNodeOptions options, Task ended) : base(system) => (_options, Ended) = (options, ended);

    /// <summary>Completes when the run is over for this node's devices; fails with what kept them from taking part.</summary>
    public Task Ended { get; }

    /// <summary>Whether it ended because it was told to leave, before the run was over.</summary>
    public bool IsDrained => _options.IsDrained;

    /// <inheritdoc/>
    public override Health Ready()
    {
        var member = base.Ready();
        return !member.IsGood || _options.Welcomed.Task.IsCompleted ? member : new Health(false, "no server has answered yet");
    }

    /// <summary>Lets the devices of a node that takes part finish the units at hand; the node may be disposed then.</summary>
    public async Task DrainAsync()
    {
        if (Cluster.Get(System).SelfMember.Status == MemberStatus.Up)
        {
            System.ActorSelection($"/user/{DeviceNodeActor.Name}").Tell(DeviceNodeActor.Leave.Instance);
            await Task.WhenAny(Ended, Task.Delay(DrainLimit)).ConfigureAwait(false);
        }
    }

    /// <summary>Starts the node and lets it join.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <param name="deviceNodes">How many device nodes must have joined before any member is up, or 0; the same as on the server.</param>
    /// <exception cref="UserErrorException">An address cannot be listened on, or no seed node is given.</exception>
    public static DeviceNodeHost Start(DeviceNodeOptions options, Config akka, int deviceNodes = 0)
    {
        if (options.SeedNodes.Count == 0)
        {
            throw new UserErrorException("A device node needs the server's address. Set splitfrozen.cluster.seed-nodes = [\"host:port\"].");
        }

        var seeds = options.SeedNodes.Select(n => SeedNode.Parse(n, options.Cluster.Name)).ToList();
        (string, int)[] awaited = deviceNodes > 0 ? [(DeviceNodeActor.Role, deviceNodes)] : [];
        var system = Start(
            options.Cluster, ActorConfig.ForNode(akka, options.Cluster, [DeviceNodeActor.Role, NodeName.Role(options.Profile.Name)], awaited),
            options.Route.Identity);
        var cluster = Cluster.Get(system);
        cluster.RegisterOnMemberUp(() => system.ActorOf(Props.Create(() => new DeviceNodeActor(options)), DeviceNodeActor.Name));
        SeedNode.Join(cluster, seeds);
        return new DeviceNodeHost(system, options, EndedAsync(options, system));
    }

    /// <summary>Ends with the run, or when no server has answered in time, or when the node was cut off from the cluster and so ended itself.</summary>
    private static async Task EndedAsync(DeviceNodeOptions options, ActorSystem system)
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
                $"No server answered within {options.StartLimit?.TotalSeconds:0} s (splitfrozen.start.limit). Is it running, and are its address and port those of splitfrozen.cluster.seed-nodes ({string.Join(", ", options.SeedNodes)})?",
                e);
        }

        await Task.WhenAny(options.Done.Task, system.WhenTerminated).ConfigureAwait(false);
        if (!options.Done.Task.IsCompleted)
        {
            throw new RunFailedException(RunFailure.ServerLost, "The node was cut off from the server, and left the cluster.");
        }

        await options.Done.Task.ConfigureAwait(false);
    }
}
