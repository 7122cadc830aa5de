using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Sampling;

using Xunit;

namespace SplitFrozen.Domain.Tests.Sampling;

/// <summary>The groups that blocks run on.</summary>
public sealed class ForwardUnitsSpecs
{
    [Property(DisplayName = "Units hold all samples in order, none twice, none empty")]
    public void Should_cover_all_samples(PositiveInt[] lengths, PositiveInt budget)
    {
        var units = ForwardUnits.Cut(Lengths(lengths), budget.Get);

        var next = 0;
        foreach (var unit in units)
        {
            Assert.Equal(next, unit.Start.Value);
            Assert.True(unit.End.Value > unit.Start.Value);
            next = unit.End.Value;
        }

        Assert.Equal(lengths.Length, next);
    }

    [Property(DisplayName = "A unit keeps to its budget unless it is a single sample, and is as long as the budget allows")]
    public void Should_fill_the_budget(PositiveInt[] drawn, PositiveInt budget)
    {
        var lengths = Lengths(drawn);
        foreach (var unit in ForwardUnits.Cut(lengths, budget.Get))
        {
            var tokens = lengths[unit].Sum();
            Assert.True(tokens <= budget.Get || unit.End.Value - unit.Start.Value == 1);
            Assert.True(unit.End.Value == lengths.Length || tokens + lengths[unit.End.Value] > budget.Get);
        }
    }

    [Fact(DisplayName = "Sums of tokens do not overflow")]
    public void Should_not_overflow() =>
        Assert.Equal([0..1, 1..2, 2..3], ForwardUnits.Cut([int.MaxValue, int.MaxValue, 5], int.MaxValue));

    private static int[] Lengths(PositiveInt[] lengths) => Array.ConvertAll(lengths, l => l.Get);
}
