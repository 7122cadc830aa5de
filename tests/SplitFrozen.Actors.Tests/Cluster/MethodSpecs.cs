using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Tests.Channel.Support;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>FedLoRA and SplitLoRA on devices of other nodes, over TCP.</summary>
[Collection(ClusterCollection.Name)]
public sealed class MethodSpecs
{
    private const int MostBreaks = 12;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    [Theory(DisplayName = "On a cluster a method in which devices train gives the losses and the adapter of one process, bit for bit")]
    [InlineData("fedlora", "fedlora.variant=fedit")]
    [InlineData("fedlora", "fedlora.variant=ffa", "fedlora.keep-optimizer=on")]
    [InlineData("fedlora", "fedlora.variant=fedex", "fedlora.participation=0.6", "fedlora.device-dropout=0.3", "fedlora.rounds=4", "fedlora.local-steps=3")]
    [InlineData("splitlora", "splitlora.order=sequential", "splitlora.average-every=3", "splitlora.blocks=1")]
    [InlineData("splitlora", "splitlora.order=parallel", "splitlora.average-every=2")]
    public async Task Should_train_as_in_one_process(string method, params string[] more)
    {
        using var cluster = Run(method, more);
        var summary = await cluster.OnClusterAsync();
        using var alone = Run(method, more);
        var expected = alone.InOneProcess();

        Assert.True(summary.Completed);
        Assert.Equal(alone.Losses, cluster.Losses);
        Assert.Equal(expected.AdapterSha256, summary.AdapterSha256);
        Assert.Equal((expected.SamplesTrained, expected.AccuracyAfter, expected.ValidationAccuracy), (summary.SamplesTrained, summary.AccuracyAfter, summary.ValidationAccuracy));
        Assert.Equal(["device-0", "device-1", "device-2"], summary.Devices.Select(d => d.Id));
        Assert.All(summary.Devices, d => Assert.Equal(d.Forwarded > 0, d is { BytesSent: > 0, BytesReceived: > 0, Flops: > 0 }));
        Assert.Equal(summary.SamplesTrained, summary.Devices.Sum(d => d.Forwarded));
        Assert.Empty(summary.ChannelRefusals);
    }

    [Theory(DisplayName = "Links that break in mid-frame begin a device's life anew, and leave no trace in the result")]
    [InlineData("fedlora", "fedlora.keep-optimizer=on")]
    [InlineData("fedlora", "fedlora.variant=fedex")]
    [InlineData("splitlora", "splitlora.order=parallel", "splitlora.average-every=3")]
    [InlineData("splitlora", "splitlora.order=sequential", "splitlora.average-every=4")]
    public async Task Should_not_notice_broken_links(string method, params string[] more)
    {
        using var alone = Run(method, more);
        alone.InOneProcess();
        var random = new Random(5);
        var opened = 0;
        using var cluster = Run(method, more);
        var summary = await cluster.OnClusterAsync((_, stream) =>
        {
            lock (random)
            {
                return ++opened <= MostBreaks ? new BreakingStream(stream, random.Next(48, 12_000)) : stream;
            }
        });

        Assert.InRange(opened, 3 + 3, 1000);
        Assert.Equal(alone.Losses, cluster.Losses);
        Assert.Equal(alone.AdapterBytes(), cluster.AdapterBytes());
        Assert.True(summary.Comparable);
    }

    [Theory(DisplayName = "Devices of a node that is killed move to another and begin the round at hand again, with the same bytes")]
    [InlineData("fedlora", 12)]
    [InlineData("splitlora", 12, "splitlora.order=parallel", "splitlora.average-every=4")]
    public async Task Should_move_devices_of_a_killed_node(string method, int forwards, params string[] more)
    {
        using var alone = Run(method, more);
        alone.InOneProcess();
        using var run = Run(method, more);
        var server = run.Server();
        await using var main = ServerNode.Start(server, run.Akka);
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };
        DeviceNodeHost? lost = null;
        var count = 0;
        var model = new InterceptedModel(run.Model, call =>
        {
            if (call.Operation == "F" && Interlocked.Increment(ref count) == forwards)
            {
                _ = lost!.System.Terminate();
            }
        });
        // Slow, so that it is in the midst of something when it ends.
        lost = Start(run, cluster, "lost", model, gigaFlops: 0.03);
        await using var stays = Start(run, cluster, "stays", run.Model);
        var summary = await server.Result;

        Assert.True(count >= forwards);
        Assert.Contains(run.Events, e => e is RunEvent.DeviceProblem);
        Assert.Equal(alone.Losses, run.Losses);
        Assert.Equal(alone.AdapterBytes(), run.AdapterBytes());
        Assert.True(summary is { Completed: true, Comparable: true });
    }

    [Fact(DisplayName = "A federated device that does not return in time is left out of its round, which is told; the run of split training ends without it")]
    public async Task Should_go_on_without_a_lost_device()
    {
        var (summary, events) = await LosingADeviceAsync("fedlora");

        Assert.True(summary.Completed);
        Assert.False(summary.Comparable);
        Assert.All(summary.Struck, s => Assert.Equal("device-1", s.Device));
        Assert.True(summary.SamplesTrained < summary.SamplesExpected);
        Assert.Contains(summary.Remarks, r => r.Contains("device-1 did not return in time", StringComparison.Ordinal));
        Assert.Contains(events, e => e is RunEvent.DeviceProblem { Device.Value: "device-1" });
        var error = await Assert.ThrowsAsync<RunFailedException>(() => LosingADeviceAsync("splitlora"));
        Assert.Contains("splitfrozen.device.lost-after", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A device that came too late to have a part in the run, and is lost for good, is not missed")]
    public async Task Should_not_miss_who_came_too_late()
    {
        var (begun, joined) = (Source(), Source());
        using var missed = new ManualResetEventSlim();
        using var run = new StandInRun([.. Settings("splitlora", "start.min-devices=2", "device.lost-after=1s"), .. ServerFleet.QuickLoss])
        {
            OnEvent = e =>
            {
                switch (e)
                {
                    case RunEvent.DeviceJoined { Device.Value: "device-2" }:
                        joined.TrySetResult();
                        break;
                    case RunEvent.DeviceProblem { Device.Value: "device-2" } problem when problem.Problem.Contains("too late", StringComparison.Ordinal):
                        missed.Set();
                        break;
                    case RunEvent.EpochTrained { Epoch: 0 }:
                        // The thread of the method: the run stands still.
                        begun.TrySetResult();
                        missed.Wait(Limit);
                        break;
                }
            },
        };
        var server = run.Server();
        await using var main = ServerNode.Start(server, run.Akka);
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };
        await using var first = Start(run, cluster, "first", run.Model, pinned: 0);
        await using var second = Start(run, cluster, "second", run.Model, pinned: 1);
        await begun.Task.WaitAsync(Limit);
        var late = Start(run, cluster, "late", run.Model, pinned: 2);
        await joined.Task.WaitAsync(Limit);
        await late.System.Terminate();
        var summary = await server.Result.WaitAsync(Limit);

        Assert.True(missed.IsSet);
        Assert.True(summary.Completed);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
    }

    [Fact(DisplayName = "An error in the server's actor ends the run with that error")]
    public async Task Should_end_with_the_error()
    {
        using var run = new StandInRun(Settings("fedlora"))
        {
            OnEvent = e =>
            {
                if (e is RunEvent.DeviceJoined)
                {
                    throw new InvalidDataException("out of luck");
                }
            },
        };
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => run.OnClusterAsync().WaitAsync(Limit));

        Assert.Equal("out of luck", error.Message);
        Assert.Equal("out of luck", Assert.Single(run.Events.OfType<RunEvent.Failed>()).Reason);
    }

    [Theory(DisplayName = "A stop ends the run in order, with what was trained")]
    [InlineData("fedlora")]
    [InlineData("splitlora")]
    public async Task Should_stop_in_order(string method)
    {
        using var stop = new CancellationTokenSource();
        using var run = new StandInRun(Settings(method, "training.epochs=2000"))
        {
            OnEvent = e =>
            {
                if (e is RunEvent.EpochTrained)
                {
                    stop.Cancel();
                }
            },
        };
        var summary = await run.OnClusterAsync(stop.Token);

        Assert.False(summary.Completed);
        Assert.NotNull(summary.AdapterSha256);
        Assert.Equal(3, summary.Devices.Count);
    }

    private static async Task<(RunSummary Summary, IReadOnlyList<RunEvent> Events)> LosingADeviceAsync(string method)
    {
        DeviceNodeHost? lost = null;
        using var run = new StandInRun([.. Settings(method, "data.devices=2", "training.epochs=3", "device.lost-after=1s"), .. ServerFleet.QuickLoss])
        {
            OnEvent = e =>
            {
                if (e is RunEvent.EpochTrained { Epoch: 0 })
                {
                    _ = lost!.System.Terminate();
                }
            },
        };
        var server = run.Server();
        await using var main = ServerNode.Start(server, run.Akka);
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };
        await using var stays = Start(run, cluster, "stays", run.Model, pinned: 0);
        lost = Start(run, cluster, "lost", run.Model, pinned: 1);
        return (await server.Result, run.Events);
    }

    private static DeviceNodeHost Start(StandInRun run, ClusterSettings cluster, string name, IModelSource model, int? pinned = null, double? gigaFlops = null) => DeviceNodeHost.Start(
        new DeviceNodeOptions(
            cluster, new NodeProfile(name, gigaFlops), model, new DeviceData(run.Data, OwnFolder: false, pinned), pinned is { } part ? SharedDevices.Id(part) : null,
            run.Settings.Data.Partition.Devices, ExpectedNodes: 2, StartLimit: null)
        {
            Method = run.Settings.Training.Method,
        },
        run.Akka);

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static StandInRun Run(string method, params string[] more) => new([.. Settings(method, more), .. ServerFleet.QuickLoss]);

    private static string[] Settings(string method, params string[] more) =>
    [
        $"splitfrozen.training.method={method}", "splitfrozen.data.devices=3", "splitfrozen.data.partition=iid", "splitfrozen.nodes=[{ name = one }, { name = two }]",
        "splitfrozen.device.heartbeat-interval=200ms", .. more.Select(m => $"splitfrozen.{m}"),
    ];
}
