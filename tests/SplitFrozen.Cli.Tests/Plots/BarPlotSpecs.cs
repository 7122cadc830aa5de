using SkiaSharp;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Plots;

public sealed class BarPlotSpecs : IDisposable
{
    private static readonly BarSeries Bars = new("accuracy", [0.5, 0.7, 0.6]);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Should_draw_spreads_inside_and_above_bars()
    {
        var without = Draw("without", Bars);
        Assert.Equal(without, Draw("zero", Bars with { Spreads = [0, 0, 0] }));

        // The highest bar has none, so that all else is where it was, but for the label of the first.
        var changed = Changed(without, Draw("spread", Bars with { Spreads = [0.1, 0, 0] }));
        var top = changed.Min(p => p.Y);
        var bottom = changed.Max(p => p.Y);
        // A tenth of an axis that ends at 1.12 times 0.7, up and down.
        Assert.InRange(bottom - top, 2 * 0.1 / (1.12 * 0.7) * 400, 640 / 2);
        Assert.InRange(changed.Count, 50, without.Length / 100);
        Assert.InRange(changed.Max(p => p.X), 0, without.Width / 2);
    }

    [Fact]
    public void Should_leave_room_for_the_highest_spread()
    {
        // With another scale most of what is drawn lies elsewhere.
        var changed = Changed(Draw("without", Bars), Draw("high", Bars with { Spreads = [0, 0.7, 0] }));
        Assert.InRange(changed.Count, 1100 * 640 / 20, 1100 * 640);
    }

    private static List<(int X, int Y)> Changed(Picture one, Picture other) =>
        [.. Enumerable.Range(0, one.Length).Where(i => one.Pixels[i] != other.Pixels[i]).Select(i => (i % one.Width, i / one.Width))];

    private Picture Draw(string name, BarSeries bars)
    {
        var file = _folder.At(name + ".png");
        BarPlot.Save(file, "title", "y", ["a", "b", "c"], [bars]);
        using var bitmap = SKBitmap.Decode(file);
        return new Picture(bitmap.Width, bitmap.Pixels);
    }

    private sealed record Picture(int Width, SKColor[] Pixels)
    {
        public int Length => Pixels.Length;

        public bool Equals(Picture? other) => other is not null && Pixels.SequenceEqual(other.Pixels);

        public override int GetHashCode() => Pixels.Length;
    }
}
