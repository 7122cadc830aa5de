using ScottPlot;

namespace SplitFrozen.Cli.Plots;

/// <summary>Draws all bars of a timeline at once: traces have tens of thousands, too many for a plottable each.</summary>
internal sealed class TimelineBars(IReadOnlyList<TimelineBar> bars, IReadOnlyList<string> categories) : IPlottable
{
    private const double HalfHeight = 0.4;

    private readonly Dictionary<string, int> _places = categories.Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i);

    public bool IsVisible { get; set; } = true;

    public IAxes Axes { get; set; } = new Axes();

    public IEnumerable<LegendItem> LegendItems => [];

    public AxisLimits GetAxisLimits() => bars.Count == 0
        ? AxisLimits.NoLimits
        : new AxisLimits(bars.Min(b => b.Start), bars.Max(b => b.End), -bars.Max(b => b.Lane) - 0.5, 0.5);

    public void Render(RenderPack rp)
    {
        var label = new LabelStyle { FontName = Fonts.Default, FontSize = 12, Alignment = Alignment.MiddleCenter, ForeColor = Colors.White };
        foreach (var bar in bars)
        {
            var color = PlotFrame.Series(_places[bar.Category]);
            var rect = Axes.GetPixelRect(new CoordinateRect(bar.Start, bar.End, -bar.Lane - HalfHeight, -bar.Lane + HalfHeight));
            Drawing.FillRectangle(rp.Canvas, rect, rp.Paint, new FillStyle { Color = color });

            // An edge tells neighbours apart; where bars are narrow it would be all that is seen.
            if (rect.Width > 4)
            {
                Drawing.DrawRectangle(rp.Canvas, rect, rp.Paint, new LineStyle { Color = Colors.White, Width = 1 });
            }

            Label(rp, bar, rect, label);
        }
    }

    private static void Label(RenderPack rp, TimelineBar bar, PixelRect rect, LabelStyle style)
    {
        if (bar.Label.Length > 0 && style.Measure(bar.Label, rp.Paint).Width + 4 < rect.Width)
        {
            style.Render(rp.Canvas, rect.Center, rp.Paint, bar.Label);
        }
    }
}
