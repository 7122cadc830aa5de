using FsCheck.Xunit;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>Plan, window and account of a run that is resumed at any batch.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class ResumedPlanSpecs
{
    private const int Epochs = 3;

    [Property(DisplayName = "From any batch on a resumed run has the batches, rates and grants of one that was not stopped")]
    public void Should_go_on_as_if_not_stopped(EpochSizes sizes, ushort at, byte drawnWindow)
    {
        var window = 1 + (drawnWindow % 4);
        var whole = Plan(sizes, RunPlanState.Start);
        var grants = new GrantWindow(whole.For, Epochs, window);
        var opened = new HashSet<GrantId>(grants.Open());
        var stop = at % (whole.For(0).Batches + whole.For(1).Batches);
        var (epoch, batch) = (0, 0);
        for (var step = 0; step < stop; step++)
        {
            grants.BatchTrained(epoch, batch);
            (epoch, batch) = batch + 1 < whole.For(epoch).Batches ? (epoch, batch + 1) : (epoch + 1, 0);
            opened.UnionWith(grants.Open());
        }

        var resumed = Plan(sizes, whole.State);
        var again = new GrantWindow(resumed.For, Epochs, window, epoch, grant => LeftOf(resumed.For(grant.Epoch), grant, epoch, batch));
        var reopened = again.Open();

        Assert.Equal(whole.LearningRate(stop), resumed.LearningRate(stop));
        Assert.Equal(whole.For(epoch).Batch(batch).ToArray(), resumed.For(epoch).Batch(batch).ToArray());
        Assert.Equal((grants.InFlightSamples, grants.InFlightGrants), (again.InFlightSamples, again.InFlightGrants));
        Assert.Equal(new GrantId(epoch, whole.For(epoch).GrantOf(batch)), reopened[0]);
        Assert.Subset(opened, reopened.ToHashSet());
        again.BatchTrained(epoch, batch);
    }

    private static int LeftOf(EpochPlan plan, GrantId grant, int epoch, int batch)
    {
        var (first, count) = plan.BatchesOf(grant.Number);
        return Enumerable.Range(first, count).Where(b => grant.Epoch > epoch || b >= batch).Sum(b => plan.Batch(b).Length);
    }

    private static RunPlan Plan(EpochSizes sizes, RunPlanState state) => new(
        new TrainingSettings(
            TrainingMethods.SplitFrozen, null, Epochs, sizes.BatchSize, sizes.MicroBatchSize, 1e-3, 0.1, LearningRateDecay.Linear, 0, 0, sizes.Seed, 1, 100),
        sizes.GrantBatches, () => [.. sizes.Counts.Select((count, device) => new RosterEntry(new DeviceId($"device-{device}"), count))], state);
}
