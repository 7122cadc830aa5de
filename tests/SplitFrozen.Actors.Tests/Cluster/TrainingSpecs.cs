using SplitFrozen.Domain;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>The invariants at small scale, on clusters of real actor systems over TCP.</summary>
[Collection(ClusterCollection.Name)]
public sealed class TrainingSpecs
{
    [Fact(DisplayName = "A run trains every sample once an epoch and learns")]
    public async Task Should_train_each_sample_once()
    {
        using var run = new StandInRun();
        var summary = await run.OnClusterAsync();

        Assert.True(summary.Completed);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        Assert.Equal(2 * 216, summary.SamplesTrained);
        Assert.Equal(432, summary.Devices.Sum(d => d.Forwarded));
        Assert.True(summary.AccuracyAfter > summary.AccuracyBefore);
        Assert.Contains(run.Events, e => e is RunEvent.CheckpointWritten);
        Assert.True(File.Exists(Path.Combine(run.Paths.Adapter, "adapter_config.json")));
    }

    [Fact(DisplayName = "Losses and adapter are those of a single-process loop on the same plan, bit for bit")]
    public async Task Should_equal_the_single_process_loop()
    {
        using var cluster = new StandInRun();
        using var loop = new StandInRun();
        var summary = await cluster.OnClusterAsync();
        var reference = loop.InOneProcess();

        Assert.Equal(loop.Losses, cluster.Losses);
        Assert.Equal(loop.AdapterBytes(), cluster.AdapterBytes());
        Assert.Equal(reference.AdapterSha256, summary.AdapterSha256);
        Assert.Equal(reference.AccuracyAfter, summary.AccuracyAfter);
        Assert.Equal((reference.F1Before, reference.F1After), (summary.F1Before, summary.F1After));
        Assert.NotNull(summary.F1After);
    }

    [Theory(DisplayName = "A cluster follows the order of samples that was asked for, as the single-process loop does, and tells how far its batches are from the overall mix")]
    [InlineData("none")]
    [InlineData("\"buffer:8\"")]
    public async Task Should_follow_the_order_of_samples(string order)
    {
        using var cluster = new StandInRun($"splitfrozen.training.order={order}");
        using var loop = new StandInRun($"splitfrozen.training.order={order}");
        using var planned = new StandInRun();
        await cluster.OnClusterAsync();
        loop.InOneProcess();
        planned.InOneProcess();

        Assert.Equal(loop.Losses, cluster.Losses);
        Assert.Equal(loop.AdapterBytes(), cluster.AdapterBytes());
        Assert.NotEqual(planned.Losses, cluster.Losses);
        Assert.Equal(Distances(loop), Distances(cluster));
        Assert.All(Distances(cluster), distance => Assert.InRange(distance!.Value, 0, 1));
    }

    private static IEnumerable<double?> Distances(StandInRun run) => run.Events.OfType<RunEvent.StepDone>().Select(s => s.LabelDistance);

    [Theory(DisplayName = "Any layer counts give the same losses and adapter bytes")]
    [InlineData("{ name = a, gigaflops = 1.0 }, { name = b, gigaflops = 1.0 }", new[] { 3, 3 })]
    [InlineData("{ name = a, gigaflops = 1.0 }, { name = b, gigaflops = 0.6 }", new[] { 3, 2 })]
    [InlineData("{ name = a, gigaflops = 0.2 }, { name = b, gigaflops = 1.0 }", new[] { 1, 3 })]
    public async Task Should_not_depend_on_the_allocation(string nodes, int[] layers)
    {
        using var run = new StandInRun("splitfrozen.model.cut=3", $"splitfrozen.nodes=[{nodes}]", "splitfrozen.allocation.interval=off");
        using var loop = new StandInRun("splitfrozen.model.cut=3");
        var summary = await run.OnClusterAsync();
        loop.InOneProcess();

        Assert.Equal(layers, summary.Devices.Select(d => d.Layers));
        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
    }

    [Fact(DisplayName = "More devices than nodes share the nodes and give the same result")]
    public async Task Should_spread_devices_over_nodes()
    {
        using var run = new StandInRun("splitfrozen.data.devices=5", "splitfrozen.data.partition=iid");
        using var loop = new StandInRun("splitfrozen.data.devices=5", "splitfrozen.data.partition=iid");
        var summary = await run.OnClusterAsync();
        loop.InOneProcess();

        Assert.Equal([3, 2], summary.Devices.GroupBy(d => d.Node).Select(n => n.Count()).OrderDescending());
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
    }

    [Fact(DisplayName = "Samples in flight stay within the window")]
    public async Task Should_bound_what_is_in_flight()
    {
        using var run = new StandInRun("splitfrozen.pipeline.window=2", "splitfrozen.channel.credits=1");
        await run.OnClusterAsync();

        Assert.All(run.Events.OfType<RunEvent.StepDone>(), s => Assert.InRange(s.InFlightSamples, 0, 2 * 2 * 16));
    }

    [Fact(DisplayName = "A stop ends the run after the global batch at hand, with a checkpoint and an adapter")]
    public async Task Should_stop_in_order()
    {
        using var stop = new CancellationTokenSource();
        using var run = new StandInRun("splitfrozen.training.epochs=200")
        {
            OnEvent = e =>
            {
                if (e is RunEvent.StepDone { Step: 3 })
                {
                    stop.Cancel();
                }
            },
        };
        var summary = await run.OnClusterAsync(stop.Token);

        Assert.False(summary.Completed);
        Assert.InRange(summary.Steps, 4, 10);
        Assert.Single(Directory.GetDirectories(run.Paths.Checkpoints));
        Assert.True(File.Exists(Path.Combine(run.Paths.Adapter, "adapter_model.safetensors")));
    }

    [Fact(DisplayName = "A run whose devices do not come ends with how many it waited for")]
    public async Task Should_say_whom_it_waits_for()
    {
        using var run = new StandInRun("splitfrozen.start.limit=3s");
        var server = run.Server();
        await using var node = Hosting.ServerNode.Start(server, run.Akka);

        var error = await Assert.ThrowsAsync<RunFailedException>(() => server.Result);
        Assert.Equal(RunFailure.NotStarted, error.Failure);
        Assert.Contains("0 of 2 devices", error.Message, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.start.limit", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A port in use is an error that names its keys")]
    public async Task Should_name_the_port_in_use()
    {
        using var first = new StandInRun();
        await using var node = Hosting.ServerNode.Start(first.Server(), first.Akka);
        using var second = new StandInRun($"splitfrozen.cluster.port={node.Address.Port}");

        var error = Assert.Throws<UserErrorException>(() => Hosting.ServerNode.Start(second.Server(), second.Akka));
        Assert.Contains("splitfrozen.cluster.port", error.Message, StringComparison.Ordinal);
    }
}
