using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>Which ledgers can be replayed.</summary>
public sealed class RecordedOrderSpecs
{
    private static readonly RosterEntry[] Roster = [new(new DeviceId("a"), 2), new(new DeviceId("b"), 1)];
    private static readonly LedgerRecord Drawn = new LedgerRecord.Drawn(0, Roster);
    private static readonly LedgerRecord.Trained First = new(0, 0, 0, [1, 1], [new PlanSample(0, 1), new PlanSample(1, 0)]);
    private static readonly LedgerRecord.Trained Second = new(1, 0, 1, [1], [new PlanSample(0, 0)]);
    private static readonly LedgerRecord Closed = new LedgerRecord.Closed(0);

    [Fact(DisplayName = "The order of each epoch is told, and what was struck from it")]
    public void Should_tell_the_order()
    {
        var order = Of(Drawn, First, new LedgerRecord.Removed(0, 0, [0], PutOff: false, "lost"), Closed);
        var plan = new EpochSizes(1, 0, [2, 1], 2, 1, 1).Plan();

        Assert.Equal([First], order.Batches(0)!);
        Assert.Null(order.Batches(1));
        Assert.Equal([new PlanSample(0, 0)], order.NotTrained(plan));
        Assert.Empty(order.NotTrained(new EpochSizes(1, 1, [2, 1], 2, 1, 1).Plan()));
        Assert.Equal((true, false, true), (order.TookPart(0, new DeviceId("a")), order.TookPart(0, new DeviceId("c")), order.TookPart(1, new DeviceId("c"))));
    }

    [Fact(DisplayName = "Other devices than an epoch was trained with are refused by name")]
    public void Should_refuse_other_devices()
    {
        var order = Of(Drawn, First, Second, Closed);
        order.Check(0, Roster);
        order.Check(1, []);

        var error = Assert.Throws<UserErrorException>(() => order.Check(0, [Roster[0]]));
        Assert.Contains("a (2 samples), b (1 samples), and now there are a (2 samples)", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A ledger of nothing, of an epoch that was not trained to its end, or with faults is refused")]
    public void Should_refuse_what_is_not_whole()
    {
        Assert.Contains("nothing was trained", Refused(), StringComparison.Ordinal);
        Assert.Contains("stopped in epoch 1", Refused(Drawn, First), StringComparison.Ordinal);
        Assert.Contains("was not trained, and nothing says why", Refused(Drawn, First, Closed), StringComparison.Ordinal);
    }

    private static string Refused(params LedgerRecord[] records) => Assert.Throws<UserErrorException>(() => Of(records)).Message;

    private static RecordedOrder Of(params LedgerRecord[] records) => RecordedOrder.Of("ledger.txt", new LedgerReading(records, 0, null, IsTail: true));
}
