using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>What may be in flight.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class GrantWindowSpecs
{
    private const int Epochs = 3;

    [Property(DisplayName = "Never more than the window is in flight, and all grants of all epochs go out in order, once")]
    public void Should_bound_and_cover(EpochSizes sizes, byte drawnWindow)
    {
        var (window, plans) = (1 + (drawnWindow % 4), Plans(sizes));
        var grants = new GrantWindow(e => plans[e], Epochs, window);
        var opened = new List<GrantId>();
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            for (var batch = 0; batch < plans[epoch].Batches; batch++)
            {
                opened.AddRange(grants.Open());
                Assert.Contains(new GrantId(epoch, plans[epoch].GrantOf(batch)), opened);
                Assert.InRange(grants.InFlightGrants, 1, window);
                Assert.InRange(grants.InFlightSamples, 1, window * sizes.GrantBatches * sizes.BatchSize);
                grants.BatchTrained(epoch, batch);
            }
        }

        Assert.Empty(grants.Open());
        Assert.Equal((0, 0), (grants.InFlightGrants, grants.InFlightSamples));
        Assert.Equal(plans.SelectMany(p => Enumerable.Range(0, p.Grants).Select(g => new GrantId(p.Epoch, g))), opened);
    }

    [Property(DisplayName = "What is granted is trained or in flight: samples are conserved")]
    public void Should_conserve_samples(EpochSizes sizes)
    {
        var plans = Plans(sizes);
        var grants = new GrantWindow(e => plans[e], Epochs, 2);
        var (granted, trained) = (0, 0);
        for (var batch = 0; batch < plans[0].Batches; batch++)
        {
            granted += grants.Open().Sum(g => plans[g.Epoch].GrantSamples(g.Number).Length);
            grants.BatchTrained(0, batch);
            trained += plans[0].Batch(batch).Length;
            Assert.Equal(granted - trained, grants.InFlightSamples);
        }
    }

    [Fact(DisplayName = "Devices run ahead over the end of an epoch")]
    public void Should_open_the_next_epoch_early()
    {
        var plans = Plans(new EpochSizes(1, 0, [8], 4, 4, 1));

        Assert.Equal([new GrantId(0, 0), new GrantId(0, 1), new GrantId(1, 0)], new GrantWindow(e => plans[e], Epochs, 3).Open());
    }

    [Fact(DisplayName = "A batch that was not granted cannot have been trained")]
    public void Should_refuse_what_was_not_granted()
    {
        var plans = Plans(new EpochSizes(1, 0, [8], 4, 4, 1));
        var grants = new GrantWindow(e => plans[e], Epochs, 1);
        grants.Open();

        Assert.Throws<InvalidOperationException>(() => grants.BatchTrained(0, 1));
        grants.BatchTrained(0, 0);
        Assert.Throws<InvalidOperationException>(() => grants.BatchTrained(0, 0));
    }

    [Fact(DisplayName = "A sample that is put off keeps grants back that lie beyond the window from it, and not those before")]
    public void Should_hold_back_what_is_beyond_the_window()
    {
        var plans = Plans(new EpochSizes(1, 0, [40], 4, 4, 2));
        var grants = new GrantWindow(e => plans[e], Epochs, 3);
        Assert.Equal(3, grants.Open().Count);

        Assert.False(grants.Trained(new GrantId(0, 0), 7));
        Assert.True(grants.Trained(new GrantId(0, 1), 8));
        Assert.True(grants.Trained(new GrantId(0, 2), 8));
        Assert.Empty(grants.Open());
        Assert.Equal((1, 1), (grants.InFlightGrants, grants.InFlightSamples));

        Assert.Equal([new GrantId(0, 3)], grants.Open(needed: new GrantId(0, 3)));
        Assert.True(grants.Struck(new GrantId(0, 0), 1));
        Assert.False(grants.Struck(new GrantId(0, 4), 1));
        Assert.Equal([new GrantId(0, 4), new GrantId(1, 0)], grants.Open());
    }

    private static EpochPlan[] Plans(EpochSizes sizes) => [.. Enumerable.Range(0, Epochs).Select(e => (sizes with { Epoch = e }).Plan())];
}
