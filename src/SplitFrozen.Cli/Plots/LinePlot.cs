using System.Globalization;

using ScottPlot;

namespace SplitFrozen.Cli.Plots;

/// <summary>A line of a plot.</summary>
/// <param name="Name">Its entry in the legend.</param>
/// <param name="Points">Its points, from left to right.</param>
internal sealed record LineSeries(string Name, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Half lengths of error bars by point; empty for none.</summary>
    public IReadOnlyList<double> Spreads { get; init; } = [];
}

/// <summary>Lines with markers over a few values of x, each of which gets a place and a tick of its own.</summary>
internal static class LinePlot
{
    private const int Width = 1100;
    private const int Height = 640;

    private static readonly MarkerShape[] Markers =
        [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp, MarkerShape.FilledDiamond, MarkerShape.OpenCircle, MarkerShape.OpenSquare];

    /// <summary>Draws the lines and writes a PNG.</summary>
    /// <param name="file">Where; replaced as a whole if it exists.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="horizontal">Name of the x axis with its unit.</param>
    /// <param name="vertical">Name of the y axis with its unit; it begins at 0.</param>
    /// <param name="lines">The lines.</param>
    /// <exception cref="Domain.UserErrorException">The file cannot be written.</exception>
    public static void Save(string file, string title, string horizontal, string vertical, IReadOnlyList<LineSeries> lines)
    {
        var plot = PlotFrame.Create(title, horizontal, vertical);
        double[] values = [.. lines.SelectMany(l => l.Points).Select(p => p.X).Distinct().Order()];
        foreach (var (index, line) in lines.Index())
        {
            double[] places = [.. line.Points.Select(p => (double)Array.IndexOf(values, p.X))];
            double[] heights = [.. line.Points.Select(p => p.Y)];
            var scatter = plot.Add.Scatter(places, heights, PlotFrame.Series(index));
            scatter.LegendText = line.Name;
            scatter.LineWidth = 2;
            scatter.MarkerSize = 9;
            scatter.MarkerShape = Markers[index % Markers.Length];
            if (line.Spreads.Any(s => s > 0))
            {
                var bars = plot.Add.ErrorBar(places, heights, [.. line.Spreads]);
                bars.Color = PlotFrame.Series(index);
                bars.LineWidth = 1.5f;
                bars.CapSize = 5;
            }
        }

        plot.Axes.Bottom.SetTicks(
            [.. Enumerable.Range(0, values.Length).Select(i => (double)i)], [.. values.Select(v => v.ToString("#,0.###", CultureInfo.InvariantCulture))]);
        plot.Axes.SetLimits(-0.3, values.Length - 0.7, 0, 1.08 * lines.Max(l => l.Points.Select((p, i) => p.Y + l.Spreads.ElementAtOrDefault(i)).Max()));
        PlotFrame.LegendBelow(plot);
        PlotFrame.Save(plot, file, Width, Height);
    }
}
