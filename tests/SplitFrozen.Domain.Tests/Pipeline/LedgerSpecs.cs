using FsCheck.Xunit;

using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>The account of what was trained.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class LedgerSpecs
{
    [Property(DisplayName = "What is trained and what is missing make up the epoch at any point")]
    public void Should_balance(EpochSizes sizes)
    {
        var (plan, ledger, trained) = (sizes.Plan(), new Ledger(), new List<PlanSample>());
        for (var batch = 0; batch < plan.Batches; batch++)
        {
            var missing = ledger.Missing(plan);
            Assert.Equal(plan.Samples, trained.Count + missing.Count);
            Assert.Empty(missing.Intersect(trained));
            ledger.Trained(plan.Epoch, batch, plan.Batch(batch));
            trained.AddRange(plan.Batch(batch));
        }

        Assert.Empty(ledger.Missing(plan));
        Assert.Equal(plan.Samples, ledger.SamplesTrained);
    }

    [Property(DisplayName = "No batch is trained twice in an epoch, and each again in the next")]
    public void Should_refuse_a_second_time(EpochSizes sizes)
    {
        var (plan, ledger) = (sizes.Plan(), new Ledger());
        ledger.Trained(0, 0, plan.Batch(0));

        var error = Assert.Throws<InvalidOperationException>(() => ledger.Trained(0, 1, plan.Batch(0)));
        Assert.Contains("a second time in epoch 0", error.Message, StringComparison.Ordinal);
        ledger.Trained(1, 2, plan.Batch(0));
        Assert.Equal(2 * plan.Batch(0).Length, ledger.SamplesTrained);
    }
}
