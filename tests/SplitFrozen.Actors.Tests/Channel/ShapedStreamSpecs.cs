using System.Diagnostics;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;

using Xunit;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>Emulated links and server rates, on a clock that the test moves.</summary>
public sealed class ShapedStreamSpecs
{
    private const double Megabits = 8;
    private const int KiB = 1000;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(20);
    private long _now = 1_000_000_000_000;

    [Fact(DisplayName = "Bytes leave at the link's rate and arrive its latency later; bytes that wait behind others pay the latency once")]
    public void Should_keep_rate_and_latency()
    {
        var arrived = new Arrivals(this);
        using var stream = Shaped(arrived, Megabits, Latency);
        stream.Write(new byte[10 * KiB]);
        stream.Write(new byte[5 * KiB]);
        stream.Write(new byte[5 * KiB]);

        Assert.Equal([(10 * KiB, 30.0), (5 * KiB, 35.0), (5 * KiB, 40.0)], arrived.Seen);
    }

    [Fact(DisplayName = "What comes after a pause pays the latency again, and what came while others were under way overlaps with theirs")]
    public void Should_overlap_latency()
    {
        var arrived = new Arrivals(this);
        using var stream = Shaped(arrived, Megabits, Latency);
        stream.Came(At(0));
        stream.Write(new byte[10 * KiB]);
        // Came at 15 ms, while the first was under way (it left at 10 ms and arrived at 30 ms).
        stream.Came(At(15));
        stream.Write(new byte[10 * KiB]);
        Advance(100);
        stream.Came(At(145));
        stream.Write(new byte[10 * KiB]);

        Assert.Equal([(10 * KiB, 30.0), (10 * KiB, 45.0), (10 * KiB, 175.0)], arrived.Seen);
    }

    [Fact(DisplayName = "Large writes go out in slices within the emulated time, and none is lost")]
    public void Should_slice()
    {
        var arrived = new Arrivals(this);
        using var stream = Shaped(arrived, 1000, TimeSpan.Zero);
        stream.Write(new byte[6 << 20]);

        Assert.Equal(6 << 20, arrived.Seen.Sum(s => s.Bytes));
        Assert.Equal((6 << 20) * 8 / 1e6, arrived.Seen[^1].Milliseconds, 3);
        Assert.True(arrived.Seen.Count > 10);
    }

    [Fact(DisplayName = "Waits that last too long do not add up")]
    public void Should_make_good_for_late_waits()
    {
        var arrived = new Arrivals(this);
        using var stream = Shaped(arrived, Megabits, TimeSpan.Zero, lateness: 0.7);
        for (var i = 0; i < 100; i++)
        {
            stream.Write(new byte[10 * KiB]);
        }

        Assert.Equal(1000.7, arrived.Seen[^1].Milliseconds, 3);
    }

    [Fact(DisplayName = "Where both ways are shaped, bytes that are read one after another arrive at the link's rate and pay its latency once")]
    public void Should_shape_reads()
    {
        using var stream = new ShapedStream(
            new MemoryStream(new byte[30 * KiB]), LinkClock.Unlimited(), () => _now, until => _now = Math.Max(_now, until))
        {
            Down = new LinkClock(Megabits, Latency),
        };
        stream.ReadExactly(new byte[10 * KiB]);
        Assert.Equal(30, Milliseconds());
        stream.ReadExactly(new byte[10 * KiB]);
        Assert.Equal(40, Milliseconds());
        Advance(60);
        stream.ReadExactly(new byte[10 * KiB]);
        Assert.Equal(130, Milliseconds());
    }

    [Fact(DisplayName = "Operations take their emulated time, one after another on one node, and what really takes longer is told")]
    public void Should_pace_operations()
    {
        var pace = new ServerPace(1, () => _now, until => _now = Math.Max(_now, until));
        var began = At(0);
        Advance(1);

        Assert.False(pace.Finish(began, _now, 4e6));
        Assert.Equal(4, Milliseconds());
        Assert.False(pace.Finish(At(1), At(2), 4e6));
        Assert.Equal(8, Milliseconds());
        Advance(12);
        Assert.True(pace.Finish(At(10), At(20), 4e6));
        Assert.Equal(20, Milliseconds());
    }

    private ShapedStream Shaped(Stream to, double megabits, TimeSpan latency, double lateness = 0) => new(
        to, new LinkClock(megabits, latency), () => _now, until => _now = until > _now ? until + Ticks(lateness) : _now);

    private static long At(double milliseconds) => 1_000_000_000_000 + Ticks(milliseconds);

    private void Advance(double milliseconds) => _now += Ticks(milliseconds);

    private double Milliseconds() => Math.Round((_now - At(0)) * 1e3 / Stopwatch.Frequency, 3);

    private static long Ticks(double milliseconds) => (long)(milliseconds * Stopwatch.Frequency / 1e3);

    /// <summary>Notes what is written when.</summary>
    private sealed class Arrivals(ShapedStreamSpecs clock) : MemoryStream
    {
        public List<(int Bytes, double Milliseconds)> Seen { get; } = [];

        public override void Write(ReadOnlySpan<byte> buffer) => Seen.Add((buffer.Length, clock.Milliseconds()));
    }
}
