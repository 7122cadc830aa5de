using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A standby server takes over; device nodes stay in the cluster and keep what they have, and so do further server nodes.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StandbySpecs
{
    private const int StopAt = 10;

    /// <summary>28 steps in two epochs of 14.</summary>
    private static readonly string[] Settings =
    [
        "splitfrozen.cluster.standby=on", "splitfrozen.training.checkpoint-steps=3", "splitfrozen.nodes=[{ name = a }, { name = b }]", .. ServerFleet.QuickLoss,
    ];

    private static readonly string[] TwoServers = ["splitfrozen.pipeline.stages=2", "splitfrozen.start.servers=2", "splitfrozen.model.cut=2"];

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    [Theory(DisplayName = "A server that is lost, or that stood still longer than its lease, is followed by the standby: losses, adapter and ledger of a run without that")]
    [InlineData(true, true, false)]
    [InlineData(false, false, false)]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    public async Task Should_take_over(bool isLost, bool isShared, bool hasFurtherServer)
    {
        var (joined, reached) = (Source(), Source());
        using var goOn = new ManualResetEventSlim();
        using var run = new StandInRun([.. Settings, .. hasFurtherServer ? TwoServers : []])
        {
            OnEvent = e =>
            {
                if (e is RunEvent.NodeJoined { Role: "standby" })
                {
                    joined.TrySetResult();
                }
                else if (e is RunEvent.StepDone { Step: StopAt })
                {
                    // The coordinator's thread: the server stands still.
                    reached.TrySetResult();
                    goOn.Wait(Limit);
                }
            },
        };
        using var next = run.Again();
        using var lease = Lease(run);
        using var nextLease = Lease(run);
        Assert.True(lease.TryTake());
        var first = run.Server() with { Lease = lease };
        var active = ServerNode.Start(first, run.Akka);
        var cluster = run.Settings.Cluster with { SeedNodes = [$"{active.Address.Host}:{active.Address.Port}"] };
        var standby = ServerNode.StandBy(run.Settings with { Cluster = cluster }, nextLease, run.Akka);
        await joined.Task.WaitAsync(Limit);
        var devices = run.Settings.Nodes.Select((profile, part) => DeviceNodeHost.Start(
            new DeviceNodeOptions(
                cluster, profile, run.Model, new DeviceData(run.Data, OwnFolder: false, isShared ? null : part), isShared ? null : SharedDevices.Id(part), 2, 1, null),
            run.Akka)).ToList();
        var further = hasFurtherServer ? Further(run, cluster) : null;
        var failure = Record.ExceptionAsync(() => active.ResultAsync(first));
        await reached.Task.WaitAsync(Limit);
        var turn = standby.TurnAsync(CancellationToken.None);

        // It is not renewed any more.
        lease.Dispose();
        if (isLost)
        {
            var end = active.EndAsync();
            goOn.Set();
            await end;
        }
        else
        {
            Assert.True(SpinWait.SpinUntil(() => nextLease.IsHeld, Limit));
            goOn.Set();
        }

        Assert.Equal(StandbyEnd.Turn, await turn.WaitAsync(Limit));
        var second = next.Server() with { Lease = nextLease };
        var summary = await standby.ResultAsync(second).WaitAsync(Limit);
        await Task.WhenAll([.. devices.Select(d => d.Ended), further?.Ended ?? Task.CompletedTask]).WaitAsync(Limit);
        using var whole = new StandInRun("splitfrozen.training.checkpoint-steps=3");
        whole.InOneProcess();
        var from = next.Events.OfType<RunEvent.Resumed>().Single().Step;

        Assert.Equal(isLost ? RunFailure.ServerLost : RunFailure.TakenOver, Assert.IsType<RunFailedException>(await failure).Failure);
        Assert.True(summary.Completed);
        Assert.Equal(1, summary.Resumes);
        Assert.InRange(from, 9, 28);
        Assert.Equal(whole.Losses.Skip(from), next.Losses);
        Assert.Equal(whole.AdapterBytes(), next.AdapterBytes());
        Assert.All(LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records), epoch => Assert.True(epoch.IsExact));
        string[] holders = hasFurtherServer ? ["server", "further"] : [];
        Assert.Equal(holders, run.Events.OfType<RunEvent.StagePlaced>().Select(p => p.Node));
        Assert.Equal(holders, next.Events.OfType<RunEvent.StagePlaced>().Select(p => p.Node));
        await Task.WhenAll([.. devices.Select(d => d.EndAsync()), further?.EndAsync() ?? Task.CompletedTask, standby.EndAsync()]);
    }

    /// <summary>A server node that holds one of two stages.</summary>
    private static StageNode Further(StandInRun run, ClusterSettings cluster) => StageNode.Start(
        new StageNodeOptions(
            cluster, new NodeProfile("further", null), run.Model, 1, "127.0.0.1", 0, run.Settings.Channel.MaxFrameBytes, null, StartLimit: null),
        run.Akka);

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static RunLease Lease(StandInRun run) => new(run.Paths, "server", TimeSpan.FromSeconds(1), TimeProvider.System);
}
