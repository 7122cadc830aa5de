using FsCheck.Xunit;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Tests.Support;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>The plans of a run's epochs.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class RunPlanSpecs
{
    private static readonly DeviceId[] Ids = [new("c"), new("a"), new("b")];

    [Property(DisplayName = "The order in which devices joined does not matter")]
    public void Should_sort_devices(long seed)
    {
        RosterEntry[] roster = [.. Ids.Select((id, i) => new RosterEntry(id, 10 * (i + 1)))];
        var plan = new RunPlan(Training(seed), 2, () => roster);
        var reversed = new RunPlan(Training(seed), 2, () => [.. roster.Reverse()]);

        Assert.Equal(["a", "b", "c"], plan.Roster(0).Select(d => d.Value));
        Assert.Equal(plan.For(0).Batch(0).ToArray(), reversed.For(0).Batch(0).ToArray());
    }

    [Property(DisplayName = "Each epoch is the plan of seed, epoch and counts")]
    public void Should_draw_the_epochs_plan(EpochSizes sizes)
    {
        var roster = sizes.Counts.Select((count, device) => new RosterEntry(new DeviceId($"device-{device}"), count)).ToList();
        var training = Training(sizes.Seed) with { BatchSize = sizes.BatchSize, MicroBatchSize = sizes.MicroBatchSize };
        var plan = new RunPlan(training, sizes.GrantBatches, () => roster);
        for (var epoch = 0; epoch < training.Epochs; epoch++)
        {
            Assert.Equal((sizes with { Epoch = epoch }).Plan().Batch(0).ToArray(), plan.For(epoch).Batch(0).ToArray());
        }
    }

    [Fact(DisplayName = "Samples and steps to come are counted like the epoch drawn last")]
    public void Should_foresee_the_run()
    {
        var samples = 20;
        var plan = new RunPlan(Training(1), 2, () => [new RosterEntry(Ids[0], samples)]);
        plan.For(0);
        Assert.Equal((3 * 20, 3 * 5), (plan.SamplesExpected, plan.TotalSteps));

        samples = 40;
        plan.For(1);
        Assert.Equal((20 + 80, 5 + 20), (plan.SamplesExpected, plan.TotalSteps));
    }

    [Fact(DisplayName = "A device that joins takes part from the next epoch that is drawn")]
    public void Should_draw_newcomers_into_the_next_epoch()
    {
        var roster = new List<RosterEntry> { new(Ids[0], 8) };
        var drawn = new List<(int Epoch, int Devices)>();
        var plan = new RunPlan(Training(1), 2, () => roster);
        plan.Drawn += (epoch, devices) => drawn.Add((epoch.Epoch, devices.Length));

        plan.For(0);
        roster.Add(new RosterEntry(Ids[1], 8));
        Assert.Single(plan.Roster(0));
        plan.For(1);
        plan.For(1);

        Assert.Equal([(0, 1), (1, 2)], drawn);
    }

    private static TrainingSettings Training(long seed) =>
        new(TrainingMethods.SplitFrozen, null, 3, 4, 2, 1e-3, 0.1, LearningRateDecay.Linear, 0, 0, seed, 1, 100, BestMeasure.None, null);
}
