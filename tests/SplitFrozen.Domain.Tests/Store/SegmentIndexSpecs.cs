using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Store;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Store;

/// <summary>What lies where in the activation store, and what goes when there is no room.</summary>
public sealed class SegmentIndexSpecs
{
    private static readonly DeviceId Phone = new("phone");

    /// <summary>A step of a random history: add, need, remove, or let a generation pass.</summary>
    public sealed record Step(int Kind, int Sample, int Bytes);

    private static Arbitrary<Step[]> Histories() =>
        (from kind in Gen.Choose(0, 5) from sample in Gen.Choose(0, 30) from bytes in Gen.Choose(1, 60) select new Step(kind, sample, bytes)).ArrayOf().ToArbitrary();

    [Property(DisplayName = "Whatever happens, bytes stay within the limit, records lie apart in segments that exist, and nothing needed in this or the last generation is displaced")]
    public Property Should_keep_its_promises() => Prop.ForAll(Histories(), Gen.Choose(1, 400).ToArbitrary(), (steps, limit) =>
    {
        var index = new SegmentIndex(limit, 100);
        var needed = new Dictionary<StoredSample, int>();
        var generation = 1;
        foreach (var step in steps)
        {
            var sample = new StoredSample(Phone, step.Sample);
            switch (step.Kind)
            {
                case 0:
                    generation++;
                    break;
                case 1:
                    index.Remove(sample);
                    needed.Remove(sample);
                    break;
                case 2 when index.Find(sample) is not null:
                    index.Need(sample, generation);
                    needed[sample] = generation;
                    break;
                case > 2 when index.Find(sample) is null:
                    var (place, _) = index.Add(sample, step.Bytes, generation);
                    if (place is not null)
                    {
                        needed[sample] = generation;
                    }

                    break;
            }

            Assert.InRange(index.Bytes, 0, limit);
            Assert.All(needed, n => Assert.True(n.Value <= generation - 2 || index.Find(n.Key) is not null, $"{n.Key} of generation {n.Value} went in {generation}"));
            foreach (var gone in needed.Keys.Where(k => index.Find(k) is null).ToList())
            {
                needed.Remove(gone);
            }

            var places = needed.Keys.Select(k => index.Find(k)!.Value).OrderBy(p => (p.Segment, p.Offset)).ToList();
            Assert.Equal(places.Count, index.Count);
            Assert.All(places, p => Assert.Contains(p.Segment, index.Segments));
            Assert.All(places.Zip(places.Skip(1)), p => Assert.True(p.First.Segment != p.Second.Segment || p.First.Offset + p.First.Bytes <= p.Second.Offset));
        }
    });

    [Theory(DisplayName = "With room for a share of the samples, every later epoch finds that share")]
    [InlineData(0.25)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void Should_find_what_it_has_room_for(double share)
    {
        const int samples = 1000;
        var index = new SegmentIndex((long)(share * samples * 10), 200);
        for (var epoch = 0; epoch < 4; epoch++)
        {
            var order = Enumerable.Range(0, samples).ToArray();
            SeededRandom.For(1, "epoch", epoch).Shuffle(order.AsSpan());
            var hits = 0;
            foreach (var sample in order.Select(i => new StoredSample(Phone, i)))
            {
                if (index.Find(sample) is not null)
                {
                    hits++;
                    index.Need(sample, epoch + 1);
                }
                else
                {
                    index.Add(sample, 10, epoch + 1);
                }
            }

            Assert.Equal(epoch == 0 ? 0 : share * samples, hits);
        }
    }

    [Fact(DisplayName = "What a whole generation did not need makes room, the oldest segment first")]
    public void Should_drop_what_was_needed_least_recently()
    {
        var index = new SegmentIndex(limit: 30, segmentBytes: 10);
        for (var i = 0; i < 3; i++)
        {
            index.Add(new StoredSample(Phone, i), 10, generation: 1);
        }

        index.Need(new StoredSample(Phone, 0), generation: 2);
        var refused = index.Add(new StoredSample(Phone, 9), 10, generation: 2);
        var taken = index.Add(new StoredSample(Phone, 9), 10, generation: 3);

        Assert.Null(refused.Place);
        Assert.Equal([1], taken.Dropped);
        Assert.NotNull(index.Find(new StoredSample(Phone, 0)));
        Assert.Null(index.Find(new StoredSample(Phone, 1)));
    }

    [Fact(DisplayName = "Segments of earlier runs are taken up, counted, and never appended to")]
    public void Should_restore()
    {
        var index = new SegmentIndex(limit: 1000, segmentBytes: 100);
        index.Restore(new StoredSample(Phone, 0), new StorePlace(7, 0, 10), generation: 0);
        index.Restore(new StoredSample(Phone, 1), new StorePlace(7, 10, 20), generation: 0);

        Assert.Equal(30, index.Bytes);
        Assert.Equal(8, index.Add(new StoredSample(Phone, 2), 5, 1).Place?.Segment);
        Assert.Equal(2, index.Remove(Phone) - 1);
        Assert.Equal([7, 8], index.DropEmpty());
        Assert.Equal(0, index.Bytes);
    }

    [Fact(DisplayName = "A fingerprint names what differs")]
    public void Should_name_differences()
    {
        var one = new StoreFingerprint("abc", 4, 128, "Fp32", "Fp32", 1, "cpu");
        var other = one with { Cut = 3, Model = "def" };

        Assert.NotEqual(one.Hash(), other.Hash());
        Assert.Equal(["model or tokenizer (def, now abc)", "cut (3, now 4)"], one.Differences(other));
        Assert.Empty(one.Differences(one));
    }
}
