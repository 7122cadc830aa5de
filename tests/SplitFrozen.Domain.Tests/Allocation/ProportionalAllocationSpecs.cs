using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Allocation;

/// <summary>The paper's rule: the weaker a device, the fewer layers.</summary>
public sealed class ProportionalAllocationSpecs
{
    [Property(DisplayName = "Layers are clamp(round(C · c / max c), 1, C)")]
    public void Should_follow_the_formula(NonNegativeInt[] capacities, byte drawnCut)
    {
        var cut = 1 + drawnCut;
        var strongest = capacities.Select(c => c.Get).DefaultIfEmpty(0).Max();
        var expected = capacities.Select(c => c.Get == 0 ? 1 : Math.Clamp((int)Math.Floor(((double)cut * c.Get / strongest) + 0.5), 1, cut));

        Assert.Equal(expected, Layers(cut, [.. capacities.Select(c => (double)c.Get)]));
    }

    [Property(DisplayName = "Every device has at least one layer and at most C, and the strongest has C")]
    public void Should_keep_bounds(PositiveInt[] capacities, byte drawnCut)
    {
        var cut = 1 + drawnCut;
        var layers = Layers(cut, [.. capacities.Select(c => (double)c.Get)]).ToList();

        Assert.All(layers, n => Assert.InRange(n, 1, cut));
        Assert.True(capacities.Length == 0 || layers.Contains(cut));
    }

    [Property(DisplayName = "A weaker device never has more layers")]
    public void Should_be_monotone(PositiveInt[] capacities, byte drawnCut)
    {
        double[] sorted = [.. capacities.Select(c => (double)c.Get).Order()];
        var layers = Layers(1 + drawnCut, sorted).ToList();

        Assert.Equal(layers.Order(), layers);
    }

    [Fact(DisplayName = "The example: strengths 1.0, 0.6, 0.35 and 0.2 of four layers")]
    public void Should_give_the_documented_example() => Assert.Equal([4, 2, 1, 1], Layers(4, [1.0, 0.6, 0.35, 0.2]));

    [Fact(DisplayName = "A device that measured nothing has one layer, and the reason says so")]
    public void Should_start_small_without_a_measurement()
    {
        var assignment = ProportionalAllocation.Assign([Device(0, 0), Device(1, 5)], 4);

        Assert.Equal((1, 4), (assignment[0].Layers, assignment[1].Layers));
        Assert.Contains("no capacity measured", assignment[0].Reason, StringComparison.Ordinal);
        Assert.Contains("1.00 of the strongest", assignment[1].Reason, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Without devices there is nothing to assign")]
    public void Should_assign_nothing_to_nobody() => Assert.Empty(ProportionalAllocation.Assign([], 4));

    private static IEnumerable<int> Layers(int cut, double[] capacities) =>
        ProportionalAllocation.Assign([.. capacities.Select((c, i) => Device(i, c))], cut).Select(a => a.Layers);

    private static DeviceCapacity Device(int index, double tokensPerSecond) =>
        new(new DeviceId($"device-{index}"), "node", new Capacity(tokensPerSecond, 1 << 30));
}
