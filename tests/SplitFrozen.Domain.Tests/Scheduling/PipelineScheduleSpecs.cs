using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Scheduling;

using Xunit;

namespace SplitFrozen.Domain.Tests.Scheduling;

public sealed class PipelineScheduleSpecs
{
    [Fact(DisplayName = "ZB-H1 of four stages and eight micro-batches is the published order")]
    public void Should_give_the_published_order()
    {
        string[] published =
        [
            "F0 F1 F2 F3 B0 W0 F4 B1 W1 F5 B2 W2 F6 B3 W3 F7 B4 W4 B5 W5 B6 W6 B7 W7",
            "F0 F1 F2 B0 F3 B1 W0 F4 B2 W1 F5 B3 W2 F6 B4 W3 F7 B5 W4 B6 W5 B7 W6 W7",
            "F0 F1 B0 F2 B1 F3 B2 W0 F4 B3 W1 F5 B4 W2 F6 B5 W3 F7 B6 W4 B7 W5 W6 W7",
            "F0 B0 F1 B1 F2 B2 F3 B3 W0 F4 B4 W1 F5 B5 W2 F6 B6 W3 F7 B7 W4 W5 W6 W7",
        ];

        Assert.Equal(published, Lists(ScheduleKind.ZbH1, 4, 8));
    }

    [Theory(DisplayName = "The other orders are those of the literature")]
    [InlineData(ScheduleKind.Sequential, "F0 B0 W0 F1 B1 W1 F2 B2 W2", "F0 B0 W0 F1 B1 W1 F2 B2 W2")]
    [InlineData(ScheduleKind.GPipe, "F0 F1 F2 B0 W0 B1 W1 B2 W2", "F0 F1 F2 B0 W0 B1 W1 B2 W2")]
    [InlineData(ScheduleKind.OneForwardOneBackward, "F0 F1 B0 W0 F2 B1 W1 B2 W2", "F0 B0 W0 F1 B1 W1 F2 B2 W2")]
    public void Should_order_the_others(ScheduleKind kind, string lower, string upper) =>
        Assert.Equal([lower, upper], Lists(kind, 2, 3));

    [Theory(DisplayName = "One stage runs F, B and W of one micro-batch after another, but for GPipe")]
    [InlineData(ScheduleKind.Sequential)]
    [InlineData(ScheduleKind.OneForwardOneBackward)]
    [InlineData(ScheduleKind.ZbH1)]
    public void Should_be_plain_with_one_stage(ScheduleKind kind) => Assert.Equal(["F0 B0 W0 F1 B1 W1"], Lists(kind, 1, 2));

    [Fact(DisplayName = "With fewer micro-batches than stages no stage waits for a forward that never comes")]
    public void Should_not_run_further_ahead_than_there_are_micro_batches() =>
        Assert.Equal(["F0 F1 B0 W0 B1 W1", "F0 F1 B0 B1 W0 W1", "F0 F1 B0 B1 W0 W1", "F0 B0 F1 B1 W0 W1"], Lists(ScheduleKind.ZbH1, 4, 2));

    [Property(DisplayName = "Every order can be played, keeps its dependencies and its memory bound, for any p and m", MaxTest = 400)]
    public void Should_be_playable(PositiveInt stages, PositiveInt microBatches)
    {
        foreach (var kind in Enum.GetValues<ScheduleKind>())
        {
            Assert.Null(ScheduleCheck.Fault(PipelineSchedule.Create(kind, Small(stages, 12), Small(microBatches, 40))));
        }
    }

    [Property(DisplayName = "1F1B and ZB-H1 hold at most p micro-batches a stage", MaxTest = 400)]
    public void Should_hold_at_most_p(PositiveInt stages, PositiveInt microBatches)
    {
        var (p, m) = (Small(stages, 12), Small(microBatches, 40));
        foreach (var kind in new[] { ScheduleKind.OneForwardOneBackward, ScheduleKind.ZbH1 })
        {
            var peaks = ScheduleReplay.Run(PipelineSchedule.Create(kind, p, m), new StageTimes(1, 1, 1)).PeakActivations;
            Assert.All(peaks, peak => Assert.InRange(peak, 1, Math.Min(p, m)));
        }
    }

    [Property(DisplayName = "The checker refuses lists in which two operations have changed places", MaxTest = 300)]
    public void Should_refuse_swapped_operations(PositiveInt stages, PositiveInt microBatches, NonNegativeInt seed)
    {
        var schedule = PipelineSchedule.Create(ScheduleKind.ZbH1, Small(stages, 6), Small(microBatches, 10));
        var random = new System.Random(seed.Get);
        var lists = schedule.Stages.Select(l => l.ToList()).ToList();
        var list = lists[random.Next(lists.Count)];
        var at = random.Next(list.Count);
        var other = list.FindIndex(o => o.MicroBatch == list[at].MicroBatch && o.Kind != list[at].Kind);
        (list[at], list[other]) = (list[other], list[at]);

        Assert.NotNull(ScheduleCheck.Fault(schedule with { Stages = lists }));
    }

    [Fact(DisplayName = "The checker names a deadlock, a forgotten W and a broken memory bound")]
    public void Should_name_faults()
    {
        var good = PipelineSchedule.Create(ScheduleKind.OneForwardOneBackward, 2, 2);

        Assert.Contains("wait for each other", Fault("F0 B0 W0 F1 B1 W1", "F0 F1 B0 W0 B1 W1"), StringComparison.Ordinal);
        Assert.Contains("not run to its W", Fault("F0 F1 B0 W0 B1", "F0 B0 W0 F1 B1 W1"), StringComparison.Ordinal);
        Assert.Contains("comes twice", Fault("F0 F0 F1 B0 W0 B1 W1", "F0 B0 W0 F1 B1 W1"), StringComparison.Ordinal);
        Assert.Contains("no micro-batch", Fault("F2", "F0"), StringComparison.Ordinal);
        var three = PipelineSchedule.Create(ScheduleKind.OneForwardOneBackward, 2, 3);
        Assert.Contains(
            "more than 2", ScheduleCheck.Fault(three with { Stages = [Parse("F0 F1 F2 B0 W0 B1 W1 B2 W2"), three.Stages[1]] }), StringComparison.Ordinal);

        string? Fault(params string[] lists) => ScheduleCheck.Fault(good with { Stages = [.. lists.Select(Parse)] });
    }

    [Fact(DisplayName = "Names are those of the configuration")]
    public void Should_have_names()
    {
        Assert.Equal(["sequential", "gpipe", "1f1b", "zb-h1"], ScheduleKinds.Names);
        Assert.All(Enum.GetValues<ScheduleKind>(), kind => Assert.Equal(kind, ScheduleKinds.Find(kind.Name())));
        Assert.Null(ScheduleKinds.Find("zb-h3"));
    }

    internal static int Small(PositiveInt value, int largest) => ((value.Get - 1) % largest) + 1;

    private static IEnumerable<string> Lists(ScheduleKind kind, int stages, int microBatches) =>
        PipelineSchedule.Create(kind, stages, microBatches).Stages.Select(list => string.Join(' ', list));

    private static Operation[] Parse(string list) => [.. list.Split(' ').Select(o => new Operation((OperationKind)"FBW".IndexOf(o[0], StringComparison.Ordinal), o[1] - '0'))];
}
