using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Scheduling;

/// <summary>Where the boundaries between stages lie: a slower server gets fewer blocks.</summary>
public static class StagePartition
{
    /// <summary>
    /// Cuts blocks into consecutive parts, one a stage in the order given and none empty, so that the slowest stage is as fast as may be: the smallest
    /// largest sum of costs / capacity, found by dynamic programming in O(p · L²). Of equally good cuts it takes the one with the earliest boundaries.
    /// </summary>
    /// <param name="blocks">The trained blocks.</param>
    /// <param name="costs">Cost of each block, above 0; what else a stage must do belongs to its block, as the head to the last.</param>
    /// <param name="capacities">Cost a second that each stage can do, above 0.</param>
    public static IReadOnlyList<BlockRange> Cut(BlockRange blocks, IReadOnlyList<double> costs, IReadOnlyList<double> capacities)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(costs.Count, blocks.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacities.Count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacities.Count, blocks.Count);
        ThrowUnlessPositive(costs);
        ThrowUnlessPositive(capacities);
        return Ranges(blocks, Boundaries(Sums(costs), capacities));
    }

    private static void ThrowUnlessPositive(IReadOnlyList<double> values)
    {
        foreach (var value in values)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
        }
    }

    /// <summary>Sum of the costs of the first n blocks, for each n.</summary>
    private static double[] Sums(IReadOnlyList<double> costs)
    {
        var sums = new double[costs.Count + 1];
        for (var i = 0; i < costs.Count; i++)
        {
            sums[i + 1] = sums[i] + costs[i];
        }

        return sums;
    }

    /// <summary>First block of each stage. best[s, n] is the slowest of the first s stages on the first n blocks, from[s, n] the first block of the last of them.</summary>
    private static int[] Boundaries(double[] sums, IReadOnlyList<double> capacities)
    {
        var (stages, count) = (capacities.Count, sums.Length - 1);
        var best = new double[stages + 1, count + 1];
        var from = new int[stages + 1, count + 1];
        for (var n = 1; n <= count; n++)
        {
            best[1, n] = sums[n] / capacities[0];
        }

        for (var s = 2; s <= stages; s++)
        {
            for (var n = s; n <= count; n++)
            {
                best[s, n] = double.PositiveInfinity;
                for (var first = s - 1; first < n; first++)
                {
                    var slowest = Math.Max(best[s - 1, first], (sums[n] - sums[first]) / capacities[s - 1]);
                    if (slowest < best[s, n])
                    {
                        (best[s, n], from[s, n]) = (slowest, first);
                    }
                }
            }
        }

        var boundaries = new int[stages];
        for (var (s, n) = (stages, count); s > 1; n = from[s, n], s--)
        {
            boundaries[s - 1] = from[s, n];
        }

        return boundaries;
    }

    private static List<BlockRange> Ranges(BlockRange blocks, int[] boundaries) =>
        [.. boundaries.Select((first, s) => new BlockRange(
            blocks.From + first, s + 1 < boundaries.Length ? blocks.From + boundaries[s + 1] : blocks.To))];
}
