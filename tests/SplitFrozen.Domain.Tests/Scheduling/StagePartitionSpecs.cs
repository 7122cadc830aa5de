using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;

using Xunit;

namespace SplitFrozen.Domain.Tests.Scheduling;

public sealed class StagePartitionSpecs
{
    [Property(DisplayName = "Stages are contiguous, none is empty, all blocks are covered, and no other cut has a faster slowest stage", MaxTest = 500)]
    public void Should_be_optimal(PositiveInt count, PositiveInt stages, NonNegativeInt seed)
    {
        var random = new System.Random(seed.Get);
        var blocks = new BlockRange(random.Next(5), 0);
        blocks = blocks with { To = blocks.From + PipelineScheduleSpecs.Small(count, 9) };
        var p = PipelineScheduleSpecs.Small(stages, blocks.Count);
        double[] costs = [.. Enumerable.Range(0, blocks.Count).Select(_ => 1.0 + random.Next(9))];
        double[] capacities = [.. Enumerable.Range(0, p).Select(_ => 1.0 + random.Next(9))];

        var cut = StagePartition.Cut(blocks, costs, capacities);

        Assert.Equal(p, cut.Count);
        Assert.Equal((blocks.From, blocks.To), (cut[0].From, cut[^1].To));
        Assert.All(cut.Zip(cut.Skip(1)), pair => Assert.Equal(pair.First.To, pair.Second.From));
        Assert.All(cut, range => Assert.True(range.Count >= 1));
        Assert.Equal(Cuts(blocks, p).Min(Slowest), Slowest(cut), 1e-9);

        double Slowest(IReadOnlyList<BlockRange> ranges) => ranges
            .Select((range, s) => Enumerable.Range(range.From, range.Count).Sum(b => costs[b - blocks.From]) / capacities[s]).Max();
    }

    [Fact(DisplayName = "A slower server gets fewer blocks")]
    public void Should_follow_capacity()
    {
        double[] costs = [.. Enumerable.Repeat(1.0, 12)];
        Assert.Equal([8, 4], StagePartition.Cut(new BlockRange(4, 16), costs, [2, 1]).Select(r => r.Count));
        Assert.Equal([1, 9, 2], StagePartition.Cut(new BlockRange(0, 12), costs, [1, 9, 2]).Select(r => r.Count));
    }

    [Fact(DisplayName = "A server of nearly no capacity still gets a block")]
    public void Should_leave_none_empty() =>
        Assert.Equal([1, 2], StagePartition.Cut(new BlockRange(0, 3), [1, 1, 1], [1e-6, 1]).Select(r => r.Count));

    [Fact(DisplayName = "More stages than blocks, and capacities that are none, are refused")]
    public void Should_refuse_nonsense()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => StagePartition.Cut(new BlockRange(0, 1), [1], [1, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => StagePartition.Cut(new BlockRange(0, 1), [1], [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => StagePartition.Cut(new BlockRange(0, 2), [1], [1]));
    }

    /// <summary>All ways to cut, by brute force.</summary>
    private static IEnumerable<IReadOnlyList<BlockRange>> Cuts(BlockRange blocks, int stages)
    {
        if (stages == 1)
        {
            return [[blocks]];
        }

        return Enumerable.Range(blocks.From + 1, blocks.Count - stages + 1).SelectMany(
            to => Cuts(blocks with { From = to }, stages - 1).Select(rest => (IReadOnlyList<BlockRange>)[blocks with { To = to }, .. rest]));
    }
}
