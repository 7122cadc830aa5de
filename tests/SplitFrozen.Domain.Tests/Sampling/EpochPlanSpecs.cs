using FsCheck.Xunit;

using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;

using Xunit;

namespace SplitFrozen.Domain.Tests.Sampling;

/// <summary>The order in which an epoch trains: every sample once, whatever the sizes.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class EpochPlanSpecs
{
    [Property(DisplayName = "Batches hold each sample of each device exactly once")]
    public void Should_hold_each_sample_once(EpochSizes sizes)
    {
        var plan = sizes.Plan();

        Assert.Equal(AllSamples(sizes), Ordered(Order(plan)));
        Assert.Equal(sizes.Samples, plan.Samples);
    }

    [Property(DisplayName = "Only the last batch and the last micro-batch of a batch are smaller")]
    public void Should_fill_batches(EpochSizes sizes)
    {
        var plan = sizes.Plan();
        for (var batch = 0; batch < plan.Batches; batch++)
        {
            var length = plan.Batch(batch).Length;
            Assert.InRange(length, batch < plan.Batches - 1 ? sizes.BatchSize : 1, sizes.BatchSize);
            for (var micro = 0; micro < plan.MicroBatches(batch); micro++)
            {
                Assert.InRange(plan.MicroBatch(batch, micro).Length, micro < plan.MicroBatches(batch) - 1 ? sizes.MicroBatchSize : 1, sizes.MicroBatchSize);
            }
        }
    }

    [Property(DisplayName = "Micro-batches, put together, are the batches")]
    public void Should_cut_batches_into_micro_batches(EpochSizes sizes)
    {
        var plan = sizes.Plan();
        for (var batch = 0; batch < plan.Batches; batch++)
        {
            var parts = new List<PlanSample>();
            for (var micro = 0; micro < plan.MicroBatches(batch); micro++)
            {
                parts.AddRange(plan.MicroBatch(batch, micro));
            }

            Assert.Equal(plan.Batch(batch).ToArray(), parts);
        }
    }

    [Property(DisplayName = "Grants cover the batches in order, and their samples those of their batches")]
    public void Should_cover_batches_by_grants(EpochSizes sizes)
    {
        var plan = sizes.Plan();
        var (next, samples) = (0, new List<PlanSample>());
        for (var grant = 0; grant < plan.Grants; grant++)
        {
            var (first, count) = plan.BatchesOf(grant);
            Assert.Equal(next, first);
            Assert.All(Enumerable.Range(first, count), batch => Assert.Equal(grant, plan.GrantOf(batch)));
            next = first + count;
            samples.AddRange(plan.GrantSamples(grant));
        }

        Assert.Equal(plan.Batches, next);
        Assert.Equal(Order(plan), samples);
    }

    [Property(DisplayName = "The devices' parts of a grant are its samples in the same order")]
    public void Should_share_a_grant_among_devices(EpochSizes sizes)
    {
        var plan = sizes.Plan();
        for (var grant = 0; grant < plan.Grants; grant++)
        {
            var whole = plan.GrantSamples(grant).ToArray();
            for (var device = 0; device < sizes.Counts.Length; device++)
            {
                Assert.Equal(whole.Where(s => s.Device == device).Select(s => s.Index), plan.GrantSamples(grant, device));
            }
        }
    }

    [Property(DisplayName = "The order is a pure function of seed, epoch and counts, whatever the sizes of batches and grants")]
    public void Should_depend_on_seed_epoch_and_counts_alone(EpochSizes sizes)
    {
        var order = Order(sizes.Plan());

        Assert.Equal(order, Order(sizes.Plan()));
        Assert.Equal(order, Order((sizes with { BatchSize = 7, MicroBatchSize = 3, GrantBatches = 2 }).Plan()));
    }

    [Fact(DisplayName = "Epochs and seeds have orders of their own")]
    public void Should_differ_between_epochs_and_seeds()
    {
        var sizes = new EpochSizes(1, 0, [50, 50], 10, 5, 2);
        var orders = Enumerable.Range(0, 10).SelectMany(i => new[] { sizes with { Epoch = i }, sizes with { Seed = 100 + i } })
            .Select(s => string.Join(',', Order(s.Plan())));

        Assert.Equal(20, orders.Distinct().Count());
    }

    [Fact(DisplayName = "A device's samples are spread evenly over the epoch")]
    public void Should_mix_devices()
    {
        var plan = new EpochSizes(3, 0, [2000, 2000], 100, 100, 1).Plan();
        var ofFirst = Enumerable.Range(0, plan.Batches).Select(b => plan.Batch(b).ToArray().Count(s => s.Device == 0));

        // Hypergeometric with mean 50 and deviation below 5: six deviations are never left by a uniform order.
        Assert.All(ofFirst, n => Assert.InRange(n, 20, 80));
    }

    [Fact(DisplayName = "A run whose devices have no sample is told so")]
    public void Should_refuse_an_empty_epoch()
    {
        var error = Assert.Throws<UserErrorException>(() => EpochPlan.Create(1, 0, [0, 0], 4, 2, 1));

        Assert.Contains("splitfrozen.data.path", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "There is no batch, micro-batch or grant beyond the last")]
    public void Should_end()
    {
        var plan = EpochPlan.Create(1, 0, [10], 4, 2, 2);

        Assert.Equal((3, 2), (plan.Batches, plan.Grants));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.Batch(3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.MicroBatch(2, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.BatchesOf(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.BatchesOf(-1));
    }

    private static List<PlanSample> Order(EpochPlan plan)
    {
        var order = new List<PlanSample>();
        for (var batch = 0; batch < plan.Batches; batch++)
        {
            order.AddRange(plan.Batch(batch));
        }

        return order;
    }

    private static IEnumerable<PlanSample> AllSamples(EpochSizes sizes) =>
        sizes.Counts.SelectMany((count, device) => Enumerable.Range(0, count).Select(index => new PlanSample(device, index)));

    private static IEnumerable<PlanSample> Ordered(IEnumerable<PlanSample> samples) => samples.OrderBy(s => s.Device).ThenBy(s => s.Index);
}
