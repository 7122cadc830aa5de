using SplitFrozen.Domain;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Runs that are resumed end like those that were never stopped.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ResumeSpecs
{
    /// <summary>28 steps in two epochs of 14.</summary>
    private static readonly string[] Settings = ["splitfrozen.training.checkpoint-steps=3", "splitfrozen.training.best=loss"];

    private static readonly Lazy<Task<Reference>> Undisturbed = new(async () =>
    {
        using var run = new StandInRun(Settings);
        var summary = await run.OnClusterAsync();
        return new Reference([.. run.Losses], run.AdapterBytes(), summary, File.ReadAllBytes(run.Paths.Ledger));
    });

    [Theory(DisplayName = "A run that is cut off at any steps, without an orderly stop, and resumed each time gives the losses, adapter and ledger of one that never was")]
    [InlineData(0, 2, 3, 10, 13)]
    [InlineData(14, 20, 27)]
    public async Task Should_end_as_if_never_cut_off(params int[] steps)
    {
        var reference = await Undisturbed.Value;
        var run = new StandInRun(Settings);
        foreach (var step in steps)
        {
            await run.CutOffAsync(step);
            var next = run.Again();
            run.Dispose();
            run = next;
        }

        using (run)
        {
            var summary = await run.OnClusterAsync();
            var from = run.Events.OfType<RunEvent.Resumed>().Single().Step;

            Assert.InRange(from, steps[^1] - 3, steps[^1] + 1);
            Assert.Equal(reference.Losses.Skip(from), run.Losses);
            Assert.Equal(reference.Adapter, run.AdapterBytes());
            Assert.Equal(reference.Ledger, File.ReadAllBytes(run.Paths.Ledger));
            Assert.Equal(reference.Summary.AccuracyBefore, summary.AccuracyBefore);
            Assert.Equal(reference.Summary.F1Before, summary.F1Before);
            Assert.Equal(reference.Summary.LossAfter, summary.LossAfter);
            Assert.Equal(reference.Summary.LossFirst, summary.LossFirst);
            Assert.Equal(reference.Summary.Best, summary.Best);
            Assert.Equal(reference.Summary.SamplesTrained, summary.SamplesTrained);
            Assert.All(LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records), epoch => Assert.True(epoch.IsExact));
        }
    }

    [Theory(DisplayName = "So does one with several stages, and one with the activation store")]
    [InlineData("splitfrozen.pipeline.stages=2")]
    [InlineData("splitfrozen.store.mode=memory")]
    [InlineData("splitfrozen.store.mode=disk")]
    public async Task Should_end_alike_with(string setting)
    {
        var reference = await Undisturbed.Value;
        using var run = new StandInRun([.. Settings, setting]);
        await run.CutOffAsync(17);
        using var resumed = run.Again();
        await resumed.OnClusterAsync();

        Assert.Equal(15, resumed.Events.OfType<RunEvent.Resumed>().Single().Step);
        Assert.Equal(reference.Losses.Skip(15), resumed.Losses);
        Assert.Equal(reference.Adapter, resumed.AdapterBytes());
    }

    [Fact(DisplayName = "A run can be stopped in order and resumed again and again")]
    public async Task Should_resume_after_orderly_stops()
    {
        var reference = await Undisturbed.Value;
        var losses = new List<double>();
        var run = new StandInRun(Settings);
        foreach (var stopAt in (int[])[4, 13, 19])
        {
            losses.AddRange(await run.StopAfterAsync(stopAt));
            var next = run.Again();
            run.Dispose();
            run = next;
        }

        using (run)
        {
            var summary = await run.OnClusterAsync();
            losses.AddRange(run.Losses);

            Assert.Equal(3, summary.Resumes);
            Assert.Equal(reference.Losses, losses);
            Assert.Equal(reference.Adapter, run.AdapterBytes());
            Assert.Equal(reference.Ledger, File.ReadAllBytes(run.Paths.Ledger));
        }
    }

    [Fact(DisplayName = "A damaged checkpoint is refused by name and the one before it is used; where none is whole the run says so")]
    public async Task Should_use_the_checkpoint_before_a_damaged_one()
    {
        var reference = await Undisturbed.Value;
        using var run = new StandInRun(Settings);
        await run.CutOffAsync(10);
        var file = Path.Combine(run.Paths.Checkpoints, "step-00000009", "optimizer.safetensors");
        var bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        using var resumed = run.Again();
        await resumed.OnClusterAsync();

        Assert.Contains("step-00000009: optimizer.safetensors is not as written", resumed.Events.OfType<RunEvent.CheckpointRefused>().Single().Problem, StringComparison.Ordinal);
        Assert.Equal(6, resumed.Events.OfType<RunEvent.Resumed>().Single().Step);
        Assert.Equal(reference.Adapter, resumed.AdapterBytes());

        using var broken = new StandInRun(Settings);
        await broken.CutOffAsync(4);
        File.Delete(Path.Combine(broken.Paths.Checkpoints, "step-00000003", "state.json"));
        using var again = broken.Again();
        var error = await Assert.ThrowsAsync<UserErrorException>(() => again.OnClusterAsync());
        Assert.Contains("step-00000003: state.json is not as written", error.Message, StringComparison.Ordinal);
    }

    private sealed record Reference(IReadOnlyList<double> Losses, byte[] Adapter, RunSummary Summary, byte[] Ledger);
}
