using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Actors.Devices;

using Xunit;

namespace SplitFrozen.Actors.Tests.Devices;

/// <summary>Which devices move when nodes come and go.</summary>
public sealed class EvenAllocationStrategySpecs
{
    [Property(DisplayName = "After the moves numbers differ by one at most, and no fewer moves would do")]
    public Property Should_move_as_few_as_can_be() => Prop.ForAll(
        Gen.Choose(0, 9).ArrayOf().Where(counts => counts.Length is > 0 and < 12).ToArbitrary(),
        counts =>
        {
            var shards = counts.Select((n, node) => (IReadOnlyCollection<string>)[.. Enumerable.Range(0, n).Select(s => $"{node}-{s}")]).ToList();
            var moved = EvenAllocationStrategy.Surplus(shards).ToList();

            // Where the moved ones go decides the rest: each to the node that has least.
            var left = shards.Select(s => s.Count(id => !moved.Contains(id))).ToArray();
            foreach (var _ in moved)
            {
                left[Array.IndexOf(left, left.Min())]++;
            }

            var share = counts.Sum() / counts.Length;
            var rest = counts.Sum() % counts.Length;
            var fewest = counts.OrderDescending().Select((n, place) => Math.Max(0, n - share - (place < rest ? 1 : 0))).Sum();
            return left.Max() - left.Min() <= 1 && moved.Distinct().Count() == fewest && moved.Count == fewest;
        });

    [Fact(DisplayName = "Four devices on two nodes spread over four; on even nodes nothing moves")]
    public void Should_spread_to_new_nodes()
    {
        Assert.Equal(["b", "d"], EvenAllocationStrategy.Surplus([["a", "b"], ["c", "d"], [], []]));
        Assert.Empty(EvenAllocationStrategy.Surplus([["a"], ["b", "c"], ["d"]]));
        Assert.Empty(EvenAllocationStrategy.Surplus([[], []]));
    }
}
