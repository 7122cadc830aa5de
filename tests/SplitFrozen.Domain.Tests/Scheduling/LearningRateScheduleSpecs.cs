using FsCheck.Xunit;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Scheduling;

using Xunit;

namespace SplitFrozen.Domain.Tests.Scheduling;

/// <summary>The learning rate over a run.</summary>
public sealed class LearningRateScheduleSpecs
{
    [Property(DisplayName = "The rate is positive in every step, never above its peak, and reaches it")]
    public void Should_stay_within_its_bounds(byte steps, byte warmup, byte decay)
    {
        var schedule = Schedule(steps, warmup, decay);
        var rates = Enumerable.Range(0, schedule.TotalSteps).Select(schedule.At).ToList();

        Assert.All(rates, r => Assert.InRange(r, double.Epsilon, schedule.Peak * (1 + 1e-12)));
        Assert.Equal(schedule.Peak, rates.Max(), 12);
    }

    [Property(DisplayName = "The rate rises in the warm-up and never after it")]
    public void Should_rise_and_fall(byte steps, byte warmup, byte decay)
    {
        var schedule = Schedule(steps, warmup, decay);
        for (var step = 1; step < schedule.TotalSteps; step++)
        {
            var change = schedule.At(step) - schedule.At(step - 1);
            Assert.True(step < schedule.WarmupSteps ? change > 0 : change <= 1e-15, $"step {step} changes the rate by {change}");
        }
    }

    [Fact(DisplayName = "Linear: a tenth of ten steps of warm-up, then equal steps down")]
    public void Should_fall_linearly() =>
        Assert.Equal([1, 1, 8.0 / 9, 7.0 / 9, 6.0 / 9, 5.0 / 9, 4.0 / 9, 3.0 / 9, 2.0 / 9, 1.0 / 9], Rates(LearningRateDecay.Linear));

    [Fact(DisplayName = "Cosine: half of the peak at half of the way")]
    public void Should_fall_along_a_cosine()
    {
        var rates = new LearningRateSchedule(2, 0, LearningRateDecay.Cosine, 8);

        Assert.Equal(2, rates.At(0), 12);
        Assert.Equal(1, rates.At(4), 12);
        Assert.Equal(1 + Math.Cos(Math.PI / 4), rates.At(2), 12);
        Assert.Equal(0, rates.At(8), 12);
    }

    [Fact(DisplayName = "Constant: the peak after the warm-up")]
    public void Should_stay() => Assert.All(Rates(LearningRateDecay.Constant), r => Assert.Equal(1, r));

    private static IEnumerable<double> Rates(LearningRateDecay decay)
    {
        var schedule = new LearningRateSchedule(1, 0.1, decay, 10);
        return Enumerable.Range(0, 10).Select(schedule.At);
    }

    private static LearningRateSchedule Schedule(byte steps, byte warmup, byte decay) =>
        new(3e-3, warmup / 255.0, (LearningRateDecay)(decay % 3), 1 + steps);
}
