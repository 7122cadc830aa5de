using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Server and devices do not reach each other for a time, by the control plane nor by the activation channel.</summary>
[Collection(ClusterCollection.Name)]
public sealed class PartitionSpecs
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<DeviceNodeHost> _nodes = [];
    private ManualResetEventSlim? _goOn;

    [Theory(DisplayName = "A partition between server and devices that heals before anyone is downed, or after, loses nothing: losses, adapter and ledger of a run without it")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Should_lose_nothing(bool isDowned)
    {
        using var run = Run($"akka.cluster.split-brain-resolver.stable-after={(isDowned ? "2s" : "60s")}");
        var server = run.Server();
        await using var node = ServerNode.Start(server, run.Akka);
        var partition = new Partition(node.System);
        var devices = Live(run, node, partition);
        await _reached.Task.WaitAsync(Limit);
        await CutAsync(node, partition, isDowned);
        await partition.HealAsync();
        await ShouldBeWholeAsync(run, server, devices);

        Assert.True(isDowned ? _nodes.Count >= 4 : _nodes.Count == 2, $"{_nodes.Count} device nodes were started");
    }

    [Theory(DisplayName = "A device that does not reach the server while others reach both leaves, and of two that do not reach each other one or both; they join again, the server stays")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Should_part_two_that_do_not_reach_each_other(bool isServerOneOfThem)
    {
        using var goOn = new ManualResetEventSlim();
        _goOn = goOn;
        using var run = Run("akka.cluster.split-brain-resolver.stable-after=2s");
        var server = run.Server();
        await using var node = ServerNode.Start(server, run.Akka);
        var devices = Live(run, node, new Partition(node.System));
        await _reached.Task.WaitAsync(Limit);
        var (first, second) = (_nodes[0], _nodes[1]);
        Akka.Actor.Address[] parted = isServerOneOfThem ? [first.Address] : [first.Address, second.Address];
        await new Partition(first.System).BeginAsync([isServerOneOfThem ? node.Address : second.Address]);
        var cluster = Akka.Cluster.Cluster.Get(node.System);

        // Who is seen unreachable half a second before the other is downed alone: without that node the other one is reached by all.
        Assert.True(SpinWait.SpinUntil(() => cluster.State.Members.Count(m => parted.Contains(m.Address)) < Math.Min(2, parted.Length), Limit));
        Assert.Equal(Akka.Cluster.MemberStatus.Up, cluster.SelfMember.Status);
        goOn.Set();
        await ShouldBeWholeAsync(run, server, devices);

        Assert.True(_nodes.Count >= 3, $"{_nodes.Count} device nodes were started");
    }

    [Fact(DisplayName = "Of a server and its standby with all devices that side goes on whose server has the lease: the standby and the devices leave, and join again")]
    public async Task Should_go_on_where_the_lease_is()
    {
        using var run = Run("splitfrozen.cluster.standby=on");
        // Long enough that a machine with much to do renews it in time: whoever loses it leaves, and this is about who has it.
        using var lease = new RunLease(run.Paths, "active", LeaseTime, TimeProvider.System);
        using var other = new RunLease(run.Paths, "standby", LeaseTime, TimeProvider.System);
        lease.TryTake();
        var server = run.Server() with { Lease = lease };
        await using var node = ServerNode.Start(server, run.Akka);
        var partition = new Partition(node.System);
        var cluster = run.Settings.Cluster with { SeedNodes = [$"{node.Address.Host}:{node.Address.Port}"] };
        var standby = ServerStandby.WaitAsync(run.Settings with { Cluster = cluster }, other, run.Akka, CancellationToken.None);
        await _joined.Task.WaitAsync(Limit);
        var devices = Live(run, node, partition);
        await _reached.Task.WaitAsync(Limit);
        await CutAsync(node, partition, isDowned: true);
        await partition.HealAsync();
        await ShouldBeWholeAsync(run, server, devices);
        Assert.True(lease.IsHeld);
        lease.Release();

        Assert.Null(await standby.WaitAsync(Limit));
        Assert.Null(other.Token);
        Assert.True(_nodes.Count >= 4, $"{_nodes.Count} device nodes were started");
        Assert.Contains(run.Events.OfType<RunEvent.NodeLeft>(), n => n.Role == "standby");
    }

    private StandInRun Run(string setting) => new([
        "splitfrozen.nodes=[{ name = a }, { name = b }]", "splitfrozen.pipeline.window=2", .. ServerFleet.QuickLoss, .. Partition.Settings, setting])
    {
        OnEvent = e =>
        {
            if (e is RunEvent.StepDone { Step: 8 })
            {
                // The coordinator's thread: training stands still meanwhile.
                _reached.TrySetResult();
                _goOn?.Wait(Limit);
            }
            else if (e is RunEvent.NodeJoined { Role: "standby" })
            {
                _joined.TrySetResult();
            }
        },
    };

    /// <summary>Device nodes that join again when they have lost the server.</summary>
    private List<Task> Live(StandInRun run, ServerNode server, Partition partition) =>
    [
        .. run.Settings.Nodes.Select((profile, part) => DeviceNodeLife.RunAsync(
            new DeviceNodeOptions(
                run.Settings.Cluster with { SeedNodes = [$"{server.Address.Host}:{server.Address.Port}"] }, profile, run.Model,
                new DeviceData(run.Data, OwnFolder: false, part), SharedDevices.Id(part), 2, 2, null)
            {
                Route = new ChannelRoute(null, partition.Link),
            },
            run.Akka, Limit,
            life =>
            {
                lock (_nodes)
                {
                    _nodes.Add(life);
                }

                return life.Ended;
            },
            CancellationToken.None)),
    ];

    /// <summary>Cuts a server node off, until it sees the others unreachable or has them out of the cluster.</summary>
    private static async Task CutAsync(ServerNode node, Partition partition, bool isDowned)
    {
        var cluster = Akka.Cluster.Cluster.Get(node.System);
        var others = cluster.State.Members.Select(m => m.Address).Where(a => a != node.Address).ToList();
        await partition.BeginAsync(others);
        Assert.True(SpinWait.SpinUntil(
            () => isDowned ? !cluster.State.Members.Any(m => others.Contains(m.Address)) : cluster.State.Unreachable.Count == others.Count, Limit));
    }

    private static async Task ShouldBeWholeAsync(StandInRun run, ServerRun server, List<Task> devices)
    {
        var summary = await server.Result.WaitAsync(Limit);
        await Task.WhenAll(devices).WaitAsync(Limit);
        using var whole = new StandInRun();
        whole.InOneProcess();

        Assert.True(summary.Completed);
        Assert.Empty(summary.Struck);
        Assert.Equal(whole.Losses, run.Losses);
        Assert.Equal(whole.AdapterBytes(), run.AdapterBytes());
        Assert.All(LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records), epoch => Assert.True(epoch.IsExact));
    }
}
