using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>The activation store in whole runs, on clusters of real actor systems over TCP.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StoreSpecs
{
    [Theory(DisplayName = "With the store on, devices run and send each sample once, and the losses are those without it, bit for bit")]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Should_send_each_sample_once(string mode)
    {
        using var stored = new StandInRun($"splitfrozen.store.mode={mode}", "splitfrozen.training.epochs=3");
        using var loop = new StandInRun("splitfrozen.training.epochs=3");
        var summary = await stored.OnClusterAsync();
        loop.InOneProcess();

        Assert.Equal(loop.Losses, stored.Losses);
        Assert.Equal(loop.AdapterBytes(), stored.AdapterBytes());
        Assert.Equal(216, summary.Devices.Sum(d => d.Forwarded));
        var epochs = stored.Events.OfType<RunEvent.EpochTrained>().ToList();
        Assert.Equal([216, 0, 0], epochs.Select(e => e.ReceivedSamples));
        Assert.Equal([0, 216, 216], epochs.Select(e => e.SuppliedSamples));
        Assert.Equal(0, epochs[1].ReceivedBytes);
        Assert.Equal(3, summary.Store!.DeviceFlopsWithout / summary.Store.DeviceFlops, 1e-9);
        Assert.Equal(3, (double)summary.Store.DeviceBytesWithout / summary.Store.DeviceBytes, 0.2);
        Assert.Equal(216, summary.Store.Samples);
    }

    [Fact(DisplayName = "The next run on the same model and data takes a shared folder up and asks the devices for nothing")]
    public async Task Should_reuse_a_folder()
    {
        var folder = Path.Combine(Path.GetTempPath(), "splitfrozen-tests", Path.GetRandomFileName());
        string[] settings = ["splitfrozen.store.mode=disk", $"splitfrozen.store.path={folder}", "splitfrozen.store.memory-limit=0"];
        try
        {
            using var first = new StandInRun(settings);
            await first.OnClusterAsync();
            using var second = new StandInRun(settings);
            var summary = await second.OnClusterAsync();
            using var other = new StandInRun([.. settings, "splitfrozen.training.seed=2"]);
            var changed = await other.OnClusterAsync();

            Assert.Equal(first.Losses, second.Losses);
            Assert.Equal(0, summary.Devices.Sum(d => d.Forwarded));
            Assert.Equal(216, changed.Devices.Sum(d => d.Forwarded));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact(DisplayName = "What the store has no room for is asked from the devices in each epoch")]
    public async Task Should_go_on_with_a_small_store()
    {
        using var stored = new StandInRun("splitfrozen.store.mode=memory", "splitfrozen.store.memory-limit=20000");
        using var loop = new StandInRun();
        var summary = await stored.OnClusterAsync();
        loop.InOneProcess();

        Assert.Equal(loop.Losses, stored.Losses);
        Assert.InRange(summary.Devices.Sum(d => d.Forwarded), 217, 431);
        Assert.InRange(summary.Store!.MemoryBytes, 1, 20000);
    }

    [Fact(DisplayName = "Once all their samples are stored devices may leave: training goes on without them, with the same losses")]
    public async Task Should_go_on_without_devices()
    {
        using var stop = new CancellationTokenSource();
        var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // A device of the first node may begin on the second one before that leaves too.
        var gone = new HashSet<DeviceId>();
        var after = 0;
        using var run = new StandInRun("splitfrozen.store.mode=memory", "splitfrozen.training.epochs=100000", "splitfrozen.training.decay=constant", "splitfrozen.training.warmup=0", "splitfrozen.device.lost-after=1s")
        {
            OnEvent = e =>
            {
                switch (e)
                {
                    case RunEvent.StoreState { Samples: 216 }:
                        stored.TrySetResult();
                        break;
                    case RunEvent.DeviceProblem problem when problem.Problem.Contains("training goes on without it", StringComparison.Ordinal):
                        gone.Add(problem.Device);
                        break;
                    case RunEvent.EpochTrained when gone.Count == 2 && ++after == 2:
                        stop.Cancel();
                        break;
                }
            },
        };
        var server = run.Server(stop.Token);
        await using var node = ServerNode.Start(server, run.Akka, 2);
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{node.Address.Host}:{node.Address.Port}"] };
        var hosts = run.Settings.Nodes.Select(profile => DeviceNodeHost.Start(
            new DeviceNodeOptions(cluster, profile, run.Model, new DeviceData(run.Data, OwnFolder: false, Part: null), null, 2, 2, StartLimit: null), run.Akka, 2)).ToList();
        await stored.Task.WaitAsync(StandInRun.Limit);
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }

        var summary = await server.Result.WaitAsync(StandInRun.Limit);
        using var loop = new StandInRun("splitfrozen.training.epochs=3", "splitfrozen.training.decay=constant", "splitfrozen.training.warmup=0");
        loop.InOneProcess();

        Assert.Equal(2, gone.Count);
        Assert.Equal(216, run.Events.OfType<RunEvent.EpochTrained>().Sum(e => e.ReceivedSamples));
        Assert.True(summary.SamplesTrained >= 3 * 216);
        Assert.Equal(loop.Losses, run.Losses.Take(loop.Losses.Count()));
    }
}
