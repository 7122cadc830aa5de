using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Scheduling;

using Xunit;

namespace SplitFrozen.Domain.Tests.Scheduling;

/// <summary>Times are whole numbers, so that sums are exact and equality is.</summary>
public sealed class ScheduleReplaySpecs
{
    [Property(DisplayName = "The bubble is the published one where the formulas hold: m ≥ p and TW ≤ min(TF, TB)", MaxTest = 400)]
    public void Should_have_the_published_bubble(PositiveInt stages, PositiveInt more, PositiveInt tf, PositiveInt tb, NonNegativeInt tw)
    {
        var p = Small(stages, 10);
        var m = p + Small(more, 20) - 1;
        var (f, b) = (Small(tf, 50), Small(tb, 50));
        var w = tw.Get % (Math.Min(f, b) + 1);

        Assert.Equal((p - 1) * (f + b + w), Bubble(ScheduleKind.OneForwardOneBackward));
        Assert.Equal((p - 1) * (f + b + w), Bubble(ScheduleKind.GPipe));
        Assert.Equal((p - 1) * (f + b - w), Bubble(ScheduleKind.ZbH1));
        Assert.Equal(m * (p - 1) * (f + b + w), Bubble(ScheduleKind.Sequential));

        double Bubble(ScheduleKind kind)
        {
            var result = Replay(kind, p, m, new StageTimes(f, b, w));
            Assert.All(result.Bubbles, stage => Assert.Equal(result.Bubble, stage));
            return result.Bubble;
        }
    }

    [Property(DisplayName = "Operations of a stage do not overlap, follow its list and start after their inputs, for any times and links", MaxTest = 300)]
    public void Should_respect_time(PositiveInt stages, PositiveInt microBatches, NonNegativeInt seed)
    {
        var random = new System.Random(seed.Get);
        var (p, m) = (Small(stages, 8), Small(microBatches, 16));
        StageTimes[] times = [.. Enumerable.Range(0, p).Select(_ => new StageTimes(random.Next(9), random.Next(9), random.Next(9)))];
        LinkTimes[] links = [.. Enumerable.Range(0, p - 1).Select(_ => new LinkTimes(random.Next(5), random.Next(5)))];
        var schedule = PipelineSchedule.Create(Enum.GetValues<ScheduleKind>()[random.Next(4)], p, m);
        var result = ScheduleReplay.Run(schedule, times, links);
        var ends = result.Operations.ToDictionary(o => (o.Stage, o.Operation), o => o.End);

        for (var stage = 0; stage < p; stage++)
        {
            var played = result.Operations.Where(o => o.Stage == stage).ToList();
            Assert.Equal(schedule.Stages[stage], played.Select(o => o.Operation));
            Assert.All(played.Zip(played.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Start));
        }

        foreach (var (stage, operation, start, end) in result.Operations)
        {
            Assert.Equal(times[stage].Of(operation.Kind), end - start);
            if (operation.Kind == OperationKind.Forward && stage > 0)
            {
                Assert.True(start >= ends[(stage - 1, operation)] + links[stage - 1].Busy + links[stage - 1].Latency);
            }

            if (operation.Kind == OperationKind.BackwardInput && stage < p - 1)
            {
                Assert.True(start >= ends[(stage + 1, operation with { Kind = schedule.GradientAfter })] + links[stage].Busy + links[stage].Latency);
            }
        }
    }

    [Property(DisplayName = "W that may be put off keeps the order of micro-batches and the memory bound", MaxTest = 300)]
    public void Should_put_off_weights(PositiveInt stages, PositiveInt microBatches, NonNegativeInt pending, PositiveInt tf, PositiveInt tb, PositiveInt tw)
    {
        var (p, m, k) = (Small(stages, 6), Small(microBatches, 12), pending.Get % 5);
        var schedule = PipelineSchedule.Create(ScheduleKind.ZbH1, p, m);
        var result = ScheduleReplay.Run(schedule, new StageTimes(Small(tf, 9), Small(tb, 9), Small(tw, 9)), k);

        Assert.All(result.PeakActivations, peak => Assert.InRange(peak, 1, Math.Min(m, p + k)));
        for (var stage = 0; stage < p; stage++)
        {
            var played = result.Operations.Where(o => o.Stage == stage).Select(o => o.Operation).ToList();
            Assert.Equal(3 * m, played.Count);
            Assert.All(Enum.GetValues<OperationKind>(), kind => Assert.Equal(
                Enumerable.Range(0, m), played.Where(o => o.Kind == kind).Select(o => o.MicroBatch)));
        }
    }

    [Fact(DisplayName = "A put-off W fills the time in which its stage would wait")]
    public void Should_fill_waiting_with_weights()
    {
        var schedule = PipelineSchedule.Create(ScheduleKind.ZbH1, 2, 4);
        var times = new StageTimes(1, 1, 1);
        LinkTimes[] links = [new(0, 3)];

        var strict = ScheduleReplay.Run(schedule, [times, times], links);
        var loose = ScheduleReplay.Run(schedule, [times, times], links, pendingWeights: 2);
        Assert.True(loose.Makespan < strict.Makespan, $"{loose.Makespan} is not below {strict.Makespan}");
    }

    [Fact(DisplayName = "A link that takes longer than the stages sets the pace")]
    public void Should_be_bound_by_the_slowest_link()
    {
        const int m = 20;
        var schedule = PipelineSchedule.Create(ScheduleKind.GPipe, 2, m);
        var times = new StageTimes(1, 1, 0);
        var result = ScheduleReplay.Run(schedule, [times, times], [new LinkTimes(5, 2)]);

        // Up: F0, m transfers, latency, the last F. Down: B0 (in time with the others, as the link is slower), m transfers, latency, the last B.
        Assert.Equal(1 + (5 * m) + 2 + 1 + 1 + (5 * m) + 2 + 1, result.Makespan);
    }

    [Fact(DisplayName = "A slow stage is the one without a bubble in the long run")]
    public void Should_show_the_slow_stage()
    {
        var schedule = PipelineSchedule.Create(ScheduleKind.ZbH1, 3, 30);
        StageTimes[] times = [new(1, 1, 0), new(4, 4, 0), new(1, 1, 0)];
        var result = ScheduleReplay.Run(schedule, times, new LinkTimes[2]);

        Assert.True(result.Bubbles[1] < 0.05 * result.StageTime);
        Assert.True(result.Bubbles[0] > 0.7 * result.StageTime);
    }

    [Fact(DisplayName = "A list that waits for ever is an error, not an endless replay")]
    public void Should_refuse_a_deadlock()
    {
        var schedule = PipelineSchedule.Create(ScheduleKind.ZbH1, 2, 1);
        var stuck = schedule with { Stages = [[new Operation(OperationKind.BackwardInput, 0)], []] };
        Assert.Throws<InvalidOperationException>(() => ScheduleReplay.Run(stuck, new StageTimes(1, 1, 1)));
    }

    private static int Small(PositiveInt value, int largest) => PipelineScheduleSpecs.Small(value, largest);

    private static ReplayResult Replay(ScheduleKind kind, int stages, int microBatches, StageTimes times) =>
        ScheduleReplay.Run(PipelineSchedule.Create(kind, stages, microBatches), times);
}
