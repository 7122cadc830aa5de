using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A device that does not return is struck from the epoch, and training goes on.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StrikeSpecs
{
    [Theory(DisplayName = "Samples of a device that does not return in time are struck and listed; the others are trained exactly once, later epochs without it")]
    [InlineData(1, 8)]
    [InlineData(2, 2)]
    public async Task Should_strike_a_device_that_does_not_return(int stages, int microBatch)
    {
        DeviceNodeHost? lost = null;
        using var run = new StandInRun(
        [
            "splitfrozen.training.epochs=3", "splitfrozen.device.lost-after=1s", "splitfrozen.data.partition=iid", "splitfrozen.channel.credits=1",
            $"splitfrozen.pipeline.stages={stages}", $"splitfrozen.training.micro-batch-size={microBatch}", .. ServerFleet.QuickLoss,
        ])
        {
            OnEvent = e =>
            {
                if (e is RunEvent.StepDone { Step: 2 })
                {
                    _ = lost!.System.Terminate();
                }
            },
        };
        var server = run.Server();
        await using var main = ServerNode.Start(server, run.Akka);
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };
        await using var stays = Start(run, cluster, 0);
        lost = Start(run, cluster, 1);
        var summary = await server.Result;

        Assert.True(summary.Completed);
        Assert.False(summary.Comparable);
        Assert.All(summary.Struck, s => Assert.Equal("device-1", s.Device));
        Assert.Contains(summary.Remarks, r => r.Contains("device-1 did not return in time", StringComparison.Ordinal));
        var epochs = LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records);
        Assert.Equal(3, epochs.Count);
        Assert.All(epochs, e => Assert.Empty(e.Faults));
        Assert.All(epochs, e => Assert.Equal(e.Samples, e.Trained + e.Struck.Sum(s => s.Samples.Count)));
        Assert.Equal(summary.Struck.Select(s => (s.Epoch, s.Samples)), epochs.SelectMany(e => e.Struck.Select(s => (e.Epoch, s.Samples.Count))));
        Assert.InRange(epochs[0].Struck.Sum(s => s.Samples.Count), 1, 107);
        Assert.Equal(summary.SamplesTrained, epochs.Sum(e => e.Trained));
        Assert.Equal((108L, true), (epochs[2].Samples, epochs[2].IsExact));
    }

    [Fact(DisplayName = "In relaxed order what a device owes that does not return in time is put to the end of the epoch; it returns there, and each sample is trained once")]
    public async Task Should_put_a_device_to_the_end_in_relaxed_order()
    {
        DeviceNodeHost? lost = null;
        var putToEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var run = new StandInRun(
        [
            "splitfrozen.training.epochs=1", "splitfrozen.training.put-off-after=20ms", "splitfrozen.device.lost-after=6s", "splitfrozen.data.partition=iid", "splitfrozen.channel.credits=1",
            .. ServerFleet.QuickLoss,
        ])
        {
            OnEvent = e =>
            {
                if (e is RunEvent.StepDone { Step: 2 })
                {
                    _ = lost!.System.Terminate();
                }
                else if (e is RunEvent.DeviceProblem { Problem: var problem } && problem.Contains("put to the end of epoch 1", StringComparison.Ordinal))
                {
                    putToEnd.TrySetResult();
                }
            },
        };
        var server = run.Server();
        await using var main = ServerNode.Start(server, run.Akka);
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };
        await using var stays = Start(run, cluster, 0);
        lost = Start(run, cluster, 1);
        await putToEnd.Task.WaitAsync(TimeSpan.FromSeconds(180));
        await using var returned = Start(run, cluster, 1);
        var summary = await server.Result.WaitAsync(TimeSpan.FromSeconds(180));

        Assert.Empty(summary.Struck);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        var epoch = Assert.Single(LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records));
        Assert.True(epoch.IsExact);
        Assert.InRange(epoch.PutOff, 1, 107);
        Assert.Contains(summary.Remarks, r => r.StartsWith($"{epoch.PutOff} samples were trained later", StringComparison.Ordinal));
    }

    private static DeviceNodeHost Start(StandInRun run, ClusterSettings cluster, int part) => DeviceNodeHost.Start(
        new DeviceNodeOptions(
            cluster, run.Settings.Nodes[part], run.Model, new DeviceData(run.Data, OwnFolder: false, part), new DeviceId($"device-{part}"), 2, 1, null),
        run.Akka);
}
