using SplitFrozen.Actors.Channel;
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
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory(DisplayName = "A partition between server and devices that heals before anyone is downed, or after, loses nothing: losses, adapter and ledger of a run without it")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Should_lose_nothing(bool isDowned)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var run = new StandInRun([
            "splitfrozen.nodes=[{ name = a }, { name = b }]", "splitfrozen.pipeline.window=2", .. ServerFleet.QuickLoss,
            $"akka.cluster.split-brain-resolver.stable-after={(isDowned ? "2s" : "60s")}", .. Partition.Settings])
        {
            OnEvent = e =>
            {
                if (e is RunEvent.StepDone { Step: 8 })
                {
                    reached.TrySetResult();
                }
            },
        };
        var server = run.Server();
        await using var node = ServerNode.Start(server, run.Akka);
        var partition = new Partition(node.System);
        var nodes = new List<DeviceNodeHost>();
        var lives = run.Settings.Nodes.Select(profile => DeviceNodeLife.RunAsync(
            new DeviceNodeOptions(
                run.Settings.Cluster with { SeedNodes = [$"{node.Address.Host}:{node.Address.Port}"] }, profile, run.Model, new DeviceData(run.Data, OwnFolder: false, Part: null), null, 2, 2, null)
            {
                Route = new ChannelRoute(null, partition.Link),
            },
            run.Akka, Limit,
            life =>
            {
                lock (nodes)
                {
                    nodes.Add(life);
                }

                return life.Ended;
            },
            CancellationToken.None)).ToList();
        await reached.Task.WaitAsync(Limit);
        var cluster = Akka.Cluster.Cluster.Get(node.System);
        await partition.BeginAsync(cluster.State.Members.Select(m => m.Address).Where(a => a != node.Address));
        Assert.True(SpinWait.SpinUntil(() => isDowned ? cluster.State.Members.Count == 1 : cluster.State.Unreachable.Count == 2, Limit));
        await partition.HealAsync();
        var summary = await server.Result.WaitAsync(Limit);
        await Task.WhenAll(lives).WaitAsync(Limit);
        using var whole = new StandInRun();
        whole.InOneProcess();

        Assert.True(summary.Completed);
        Assert.Empty(summary.Struck);
        Assert.True(isDowned ? nodes.Count >= 4 : nodes.Count == 2, $"{nodes.Count} device nodes were started");
        Assert.Equal(whole.Losses, run.Losses);
        Assert.Equal(whole.AdapterBytes(), run.AdapterBytes());
        Assert.All(LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records), epoch => Assert.True(epoch.IsExact));
    }
}
