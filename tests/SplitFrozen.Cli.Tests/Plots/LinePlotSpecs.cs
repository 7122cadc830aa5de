using SkiaSharp;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Plots;

public sealed class LinePlotSpecs : IDisposable
{
    private static readonly LineSeries Line = new("accuracy", [(1, 0.5), (2, 0.7), (4, 0.6)]);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Should_draw_spreads_around_points()
    {
        var without = Draw("without", Line);
        Assert.Equal(without, Draw("zero", Line with { Spreads = [0, 0, 0] }));

        // The highest point has none, so that all else is where it was.
        var lower = Line with { Spreads = [0.1, 0, 0.1] };
        var changed = without.Zip(Draw("spread", lower)).Count(p => p.First != p.Second);
        Assert.InRange(changed, 50, without.Count / 100);
    }

    [Fact]
    public void Should_leave_room_for_the_highest_bar()
    {
        // With another scale most of what is drawn lies elsewhere.
        var without = Draw("without", Line);
        var changed = without.Zip(Draw("high", Line with { Spreads = [0, 0.7, 0] })).Count(p => p.First != p.Second);
        Assert.True(changed > without.Count / 100, $"{changed} pixels");
    }

    private List<SKColor> Draw(string name, LineSeries line)
    {
        var file = _folder.At(name + ".png");
        LinePlot.Save(file, "title", "x", "y", [line]);
        using var picture = SKBitmap.Decode(file);
        return [.. picture.Pixels];
    }
}
