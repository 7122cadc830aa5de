using FsCheck.Xunit;

using SplitFrozen.Domain.Sampling;

using Xunit;

namespace SplitFrozen.Domain.Tests.Sampling;

/// <summary>Orders of an epoch's samples, and the label mix of the batches that come of them.</summary>
public sealed class SampleOrderSpecs
{
    [Property(DisplayName = "Every order holds each sample exactly once and is a function of seed and epoch")]
    public void Should_hold_each_sample_once(byte[] counts, int capacity, long seed)
    {
        foreach (var order in new[] { SampleOrder.Plan, new SampleOrder(SampleOrderKind.None, 0), new SampleOrder(SampleOrderKind.Buffer, 1 + (int)((uint)capacity % 300)) })
        {
            var all = All(counts);
            var drawn = Drawn(counts, order, seed, 3);
            Assert.Equal(all, drawn.OrderBy(s => s.Device).ThenBy(s => s.Index));
            Assert.Equal(drawn, Drawn(counts, order, seed, 3));
        }
    }

    [Property(DisplayName = "A shuffle buffer moves no sample forward by more than its size")]
    public void Should_bound_what_a_buffer_moves(byte[] counts, byte capacity, long seed)
    {
        var size = 1 + capacity;
        var stream = Drawn(counts, new SampleOrder(SampleOrderKind.None, 0), seed, 0);
        var mixed = Drawn(counts, new SampleOrder(SampleOrderKind.Buffer, size), seed, 0);
        var place = stream.Select((sample, at) => (sample, at)).ToDictionary(p => p.sample, p => p.at);
        for (var at = 0; at < mixed.Length; at++)
        {
            Assert.True(place[mixed[at]] < at + size, $"the sample at {place[mixed[at]]} of the stream came at {at}");
        }
    }

    [Fact(DisplayName = "None goes device after device, each in random order; the plan mixes them; a buffer of one is none")]
    public void Should_differ()
    {
        byte[] counts = [50, 50];
        var none = Drawn(counts, new SampleOrder(SampleOrderKind.None, 0), 1, 0);
        Assert.All(none[..50], s => Assert.Equal(0, s.Device));
        Assert.NotEqual(Enumerable.Range(0, 50), none[..50].Select(s => s.Index));
        Assert.NotEqual(none, Drawn(counts, new SampleOrder(SampleOrderKind.None, 0), 1, 1));
        Assert.Equal(none, Drawn(counts, new SampleOrder(SampleOrderKind.Buffer, 1), 1, 0));
        Assert.InRange(Drawn(counts, SampleOrder.Plan, 1, 0)[..50].Count(s => s.Device == 0), 15, 35);
    }

    [Theory(DisplayName = "Orders are read from text")]
    [InlineData("plan", SampleOrderKind.Plan, 0)]
    [InlineData("none", SampleOrderKind.None, 0)]
    [InlineData("buffer:256", SampleOrderKind.Buffer, 256)]
    public void Should_read_orders(string text, SampleOrderKind kind, int capacity) => Assert.Equal(new SampleOrder(kind, capacity), SampleOrder.Parse(text));

    [Theory(DisplayName = "What is no order is refused")]
    [InlineData("buffer:0")]
    [InlineData("buffer:")]
    [InlineData("buffer:-3")]
    [InlineData("shuffled")]
    public void Should_refuse_other_texts(string text) => Assert.Null(SampleOrder.Parse(text));

    [Theory(DisplayName = "The expected distance of a random batch is what random batches have")]
    [InlineData(77, 32)]
    [InlineData(2, 16)]
    [InlineData(5, 3)]
    public void Should_expect_what_chance_gives(int labels, int batch)
    {
        var data = Enumerable.Range(0, labels * 40).Select(i => i % labels).Concat(Enumerable.Repeat(0, 100)).ToArray();
        var mix = new LabelMix(data);
        var random = SeededRandom.For(1, "batches");
        var mean = Enumerable.Range(0, 4000).Select(_ => mix.Distance([.. Enumerable.Range(0, batch).Select(_ => data[random.Below(data.Length)])])).Average();
        Assert.Equal(mean, mix.Expected(batch), 0.01);
    }

    [Fact(DisplayName = "The distance of mixes runs from 0 to 1")]
    public void Should_measure_distance()
    {
        var mix = new LabelMix([0, 0, 1, 1]);
        Assert.Equal(0, mix.Distance([0, 1]), 1e-12);
        Assert.Equal(0.5, mix.Distance([0, 0]), 1e-12);
        Assert.Equal(1, mix.Distance([2]), 1e-12);
    }

    [Fact(DisplayName = "The alarm sounds for sorted batches once an epoch, and not for random ones")]
    public void Should_sound_the_alarm()
    {
        var data = Enumerable.Range(0, 2000).Select(i => i / 200).ToArray();
        var watch = new LabelMixWatch(0.1);
        watch.Begin(new LabelMix(data));
        Assert.Equal(1, data.Chunk(32).Count(batch => watch.Note(batch).Alarm is not null));

        var calm = new LabelMixWatch(0.1);
        calm.Begin(new LabelMix(data));
        SeededRandom.For(1, "order").Shuffle(data.AsSpan());
        Assert.DoesNotContain(data.Chunk(32), batch => calm.Note(batch).Alarm is not null);
    }

    private static PlanSample[] All(byte[] counts) =>
        [.. counts.SelectMany((count, device) => Enumerable.Range(0, count).Select(index => new PlanSample(device, index)))];

    private static PlanSample[] Drawn(byte[] counts, SampleOrder order, long seed, int epoch)
    {
        var samples = All(counts);
        order.Apply(samples, seed, epoch);
        return samples;
    }
}
