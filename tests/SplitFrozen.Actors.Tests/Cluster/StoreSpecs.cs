using SplitFrozen.Domain.Runs;

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
}
