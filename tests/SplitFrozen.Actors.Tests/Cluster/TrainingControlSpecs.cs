using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Accumulation, best checkpoint, early stop, divergence, backpressure.</summary>
[Collection(ClusterCollection.Name)]
public sealed class TrainingControlSpecs
{
    [Fact(DisplayName = "Gradients accumulate over micro-batches: their size changes nothing but rounding, in the smaller last batch of an epoch too")]
    public async Task Should_accumulate_gradients()
    {
        using var small = new StandInRun("splitfrozen.training.micro-batch-size=3");
        using var whole = new StandInRun("splitfrozen.training.micro-batch-size=16");
        await small.OnClusterAsync();
        await whole.OnClusterAsync();

        long[] targets = [.. Enumerable.Repeat(16L, 13), 8];
        Assert.Equal([.. targets, .. targets], small.Events.OfType<RunEvent.StepDone>().Select(s => s.Score.Targets));
        Assert.Equal(whole.Losses.Count(), small.Losses.Count());
        Assert.All(whole.Losses.Zip(small.Losses), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact(DisplayName = "The checkpoint with the best validation is kept beside the last one")]
    public async Task Should_keep_the_best_checkpoint()
    {
        using var run = new StandInRun("splitfrozen.training.epochs=4", "splitfrozen.training.best=loss");
        var summary = await run.OnClusterAsync();

        var validations = run.Events.OfType<RunEvent.Evaluated>().Where(e => e.Name == "validation").ToList();
        var best = validations.MinBy(e => e.Score.MeanLoss)!;
        Assert.Equal((best.Epoch, best.Epoch * 14, best.Score.MeanLoss), (summary.Best!.Epoch, summary.Best.Step, summary.Best.Loss));
        Assert.EndsWith($"step-{best.Epoch * 14:D8}", Assert.Single(Directory.GetDirectories(run.Paths.Best)), StringComparison.Ordinal);
        Assert.EndsWith("step-00000056", Assert.Single(Directory.GetDirectories(run.Paths.Checkpoints)), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A run whose validation does not get better stops early, complete and with a remark")]
    public async Task Should_stop_early()
    {
        // With a rate of nearly nothing no validation is better than the first.
        using var run = new StandInRun(
            "splitfrozen.training.epochs=50", "splitfrozen.training.learning-rate=1e-12", "splitfrozen.training.patience=2", "splitfrozen.training.best=accuracy");
        var summary = await run.OnClusterAsync();

        Assert.True(summary.Completed);
        Assert.Equal(3 * 14, summary.Steps);
        Assert.Equal(1, summary.Best!.Epoch);
        Assert.NotNull(summary.AccuracyAfter);
        Assert.Contains(summary.Remarks, r => r.Contains("splitfrozen.training.patience", StringComparison.Ordinal));
        Assert.Equal(3, Assert.Single(run.Events.OfType<RunEvent.StoppedEarly>()).Epoch);
    }

    [Theory(DisplayName = "A loss that is no number ends the run, and so do gradients that are none beside a finite loss; the last good checkpoint and its adapter are kept")]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(1, false)]
    public async Task Should_stop_when_loss_or_gradients_are_not_finite(int stages, bool spoilsLoss)
    {
        var (forwards, steps) = (0, 0);
        using var run = new StandInRun("splitfrozen.training.checkpoint-steps=4", $"splitfrozen.pipeline.stages={stages}")
        {
            // Two micro-batches a step: the tenth step's first.
            Model = new InterceptedModel(new StandInModel(layers: 4), _ => { }, _ => Interlocked.Increment(ref forwards) == 19 && spoilsLoss)
            {
                SpoilsGradients = () => Interlocked.Increment(ref steps) == 10 && !spoilsLoss,
            },
        };
        var error = await Assert.ThrowsAsync<RunFailedException>(() => run.OnClusterAsync());

        Assert.Equal(RunFailure.Broken, error.Failure);
        Assert.Contains("step 9 are not finite", error.Message, StringComparison.Ordinal);
        Assert.Equal(spoilsLoss, error.Message.Contains("(loss NaN", StringComparison.Ordinal));
        Assert.Contains("of step 8, is kept", error.Message, StringComparison.Ordinal);
        var checkpoints = Directory.GetDirectories(run.Paths.Checkpoints).Order().ToList();
        Assert.Equal(["step-00000004", "step-00000008"], checkpoints.Select(Path.GetFileName));
        var checkpoint = checkpoints[^1];
        Assert.Equal(File.ReadAllBytes(Path.Combine(checkpoint, "adapter", "adapter_model.safetensors")), run.AdapterBytes());
        Assert.Equal(9, run.Losses.Count());
    }

    [Fact(DisplayName = "A trainer that stalls stops the devices at the window; nothing grows while it stalls, and all is trained in the end")]
    public async Task Should_hold_devices_back()
    {
        const int window = 2 * 2 * 16;
        long forwarded = 0, trained = 0, furthest = 0;
        var forwards = 0;
        var model = new InterceptedModel(new StandInModel(layers: 4), Stall)
        {
            // Devices load one block first, the server all up to the cut.
            Embedding = (loaded, samples) => Interlocked.Add(ref forwarded, loaded == 1 ? samples : 0),
        };
        using var run = new StandInRun("splitfrozen.pipeline.window=2", "splitfrozen.training.epochs=6")
        {
            Model = model,
            OnEvent = e =>
            {
                if (e is RunEvent.TrainingStarted)
                {
                    // What came before were the devices' measurements of their capacity.
                    Interlocked.Exchange(ref forwarded, 0);
                }
                else if (e is RunEvent.StepDone step)
                {
                    Interlocked.Exchange(ref trained, step.SamplesTrained);
                }
            },
        };
        var summary = await run.OnClusterAsync();

        Assert.Equal(window, furthest);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        Assert.Equal(summary.SamplesExpected, Interlocked.Read(ref forwarded));
        Assert.All(run.Events.OfType<RunEvent.StepDone>(), s => Assert.InRange(s.InFlightSamples, 0, window));

        void Stall(StageCall call)
        {
            // Two micro-batches a step: the fifth step's first, when two whole grants are in flight.
            if (call.Operation != "F" || ++forwards != 9)
            {
                return;
            }

            // Devices go on until they have used up the window, and not a sample further however long the trainer stalls.
            SpinWait.SpinUntil(() => Ahead() >= window, TimeSpan.FromSeconds(180));
            SpinWait.SpinUntil(() => Ahead() > window, TimeSpan.FromSeconds(1));
            furthest = Ahead();
        }

        long Ahead() => Interlocked.Read(ref forwarded) - Interlocked.Read(ref trained);
    }
}
