using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;

using Xunit;

namespace SplitFrozen.Domain.Tests.Scheduling;

public sealed class StagePlacementSpecs
{
    [Property(DisplayName = "Any stages on any servers: blocks are covered in order, the main server has the first stage, servers have neighbouring stages, as many as there can be", MaxTest = 500)]
    public void Should_place_all(PositiveInt stages, PositiveInt servers, PositiveInt more, NonNegativeInt seed)
    {
        var random = new System.Random(seed.Get);
        var p = PipelineScheduleSpecs.Small(stages, 6);
        var blocks = new BlockRange(3, 3 + p + (more.Get % 5));
        double[] rates = [.. Enumerable.Range(0, PipelineScheduleSpecs.Small(servers, 7)).Select(_ => 1.0 + random.Next(9))];

        var places = StagePlace.Choose(p, blocks, [.. Enumerable.Repeat(1.0, blocks.Count)], rates);

        Assert.Equal(p, places.Count);
        Assert.Equal((blocks.From, blocks.To), (places[0].Blocks.From, places[^1].Blocks.To));
        Assert.All(places.Zip(places.Skip(1)), pair => Assert.Equal(pair.First.Blocks.To, pair.Second.Blocks.From));
        Assert.Equal(0, places[0].Server);
        var inOrder = places.Select(s => s.Server).Distinct().ToList();
        Assert.Equal(Math.Min(p, rates.Length), inOrder.Count);
        Assert.Equal(places.Select(s => s.Server), places.Select(s => s.Server).Order());
    }

    [Fact(DisplayName = "With fewer stages than servers the fastest take part beside the main one")]
    public void Should_leave_the_slowest_in_reserve() =>
        Assert.Equal([0, 2, 3], StagePlace.Choose(3, new BlockRange(0, 9), [.. Enumerable.Repeat(1.0, 9)], [1, 2, 5, 4]).Select(p => p.Server));

    [Fact(DisplayName = "Stages that share a server share its capacity: boundaries follow it")]
    public void Should_share_capacity() =>
        Assert.Equal(
            [new StagePlace(0, new BlockRange(2, 4)), new StagePlace(0, new BlockRange(4, 6)), new StagePlace(1, new BlockRange(6, 10)), new StagePlace(1, new BlockRange(10, 14))],
            StagePlace.Choose(4, new BlockRange(2, 14), [.. Enumerable.Repeat(1.0, 12)], [1, 2]));

    [Theory(DisplayName = "A lost stage goes where it is done soonest")]
    [InlineData(new[] { 4.0, 0 }, new[] { 1.0, 1 }, 1)]
    [InlineData(new[] { 4.0, 0 }, new[] { 10.0, 1 }, 0)]
    [InlineData(new[] { 2.0, 2 }, new[] { 3.0, 3 }, 0)]
    public void Should_replace_where_it_is_soonest(double[] loads, double[] rates, int expected) =>
        Assert.Equal(expected, StagePlace.Replace(2, loads, rates));
}
