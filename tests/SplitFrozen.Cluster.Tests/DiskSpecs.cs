using SplitFrozen.Cluster.Tests.Support;

namespace SplitFrozen.Cluster.Tests;

/// <summary>A disk that is full when a checkpoint is due.</summary>
public sealed class DiskSpecs
{
    private const string Settings = "training.epochs = 12, training.checkpoint-steps = 4, store.mode = off, nodes = [{ name = a, gigaflops = 0.05 }, { name = b, gigaflops = 0.05 }]";

    [Fact(DisplayName = "A checkpoint that does not fit on the disk is told of, and training goes on; with room again the next one is written, and the result is the same")]
    public async Task Should_go_on_without_a_checkpoint()
    {
        using var place = new Workplace(Settings);
        using var disk = new SmallDisk(place.At("disk"), kibibytes: 8 * 1024);
        var run = place.Start("train", "--run", place.At("disk", "run"));
        using var watch = new RunWatch(place.At("disk", "run"));
        Assert.True(await watch.UntilAsync(() => watch.Events("checkpoint_written").Count >= 1, run), run.Output);
        disk.Fill(left: 24, run);
        Assert.True(await watch.UntilAsync(() => watch.Events("checkpoint_failed").Count >= 1, run), run.Output);
        disk.Free(run);
        var failed = watch.Events("checkpoint_failed").Count;
        Assert.True(await watch.UntilAsync(() => watch.Events("checkpoint_written").Count >= 2, run), run.Output);

        Assert.True(await run.ExitAsync() == 0, run.Output);
        Assert.InRange(failed, 1, 20);
        Assert.Empty(Directory.GetDirectories(place.At("disk", "run", "checkpoint"), "*.tmp"));
        await place.AssertEqualAsync(Path.Combine("disk", "run"));
    }

    [Fact(DisplayName = "A disk on which not even the ledger's next line fits ends the run with what to do, and it resumes to the same result when there is room")]
    public async Task Should_resume_when_there_is_room()
    {
        using var place = new Workplace(Settings);
        using var disk = new SmallDisk(place.At("disk"), kibibytes: 8 * 1024);
        var run = place.Start("train", "--run", place.At("disk", "run"));
        using var watch = new RunWatch(place.At("disk", "run"));
        Assert.True(await watch.UntilAsync(() => watch.Events("checkpoint_written").Count >= 2, run), run.Output);
        disk.Fill(left: 0, run);
        var code = await run.ExitAsync();
        disk.Free(run);
        var (resumed, output) = await place.RunOwnAsync("train", "--resume", place.At("disk", "run"));

        Assert.True(code == 4, run.Output);
        Assert.Contains("Make room", run.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.True(resumed == 0, output);
        await place.AssertEqualAsync(Path.Combine("disk", "run"));
    }

    [Fact(DisplayName = "A device behind a link of a fraction of the rate and long latency slows the run, and changes nothing of the result")]
    public async Task Should_survive_a_slow_link()
    {
        using var place = new Workplace("training.epochs = 2, store.mode = off, nodes = [{ name = a }, { name = b, link-megabits = 1, link-latency = 60ms }]");
        var (code, output) = await place.RunAsync("train", "--run", place.At("slow"));

        Assert.True(code == 0, output);
        await place.AssertEqualAsync("slow");
    }
}
