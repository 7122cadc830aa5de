using System.Globalization;

using ScottPlot;

namespace SplitFrozen.Cli.Plots;

/// <summary>Bars of one colour, one in each group.</summary>
/// <param name="Name">Its entry in the legend.</param>
/// <param name="Values">Heights, by group.</param>
internal sealed record BarSeries(string Name, IReadOnlyList<double> Values)
{
    /// <summary>Half lengths of error bars by group; empty for none.</summary>
    public IReadOnlyList<double> Spreads { get; init; } = [];
}

/// <summary>Groups of bars with their values above them.</summary>
internal static class BarPlot
{
    private const int Width = 1100;
    private const int Height = 640;

    /// <summary>Draws the bars and writes a PNG.</summary>
    /// <param name="file">Where; replaced as a whole if it exists.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="vertical">Name of the y axis with its unit; it begins at 0.</param>
    /// <param name="groups">Names of the groups.</param>
    /// <param name="series">The bars.</param>
    /// <exception cref="Domain.UserErrorException">The file cannot be written.</exception>
    public static void Save(string file, string title, string vertical, IReadOnlyList<string> groups, IReadOnlyList<BarSeries> series)
    {
        var plot = PlotFrame.Create(title, "", vertical);
        var width = 0.8 / series.Count;
        foreach (var (index, bars) in series.Index())
        {
            double Place(int group) => group + ((index - ((series.Count - 1) / 2.0)) * width);
            var added = plot.Add.Bars((Bar[])[.. bars.Values.Select((value, group) => new Bar
            {
                Position = Place(group),
                Value = value,
                Size = 0.92 * width,
                FillColor = PlotFrame.Series(index),
                LineWidth = 0,
            })]);
            added.LegendText = series.Count > 1 ? bars.Name : "";
            AddSpreads(plot, bars, [.. bars.Values.Select((_, group) => Place(group))]);
        }

        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, groups.Count).Select(i => (double)i)], [.. groups]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Bottom.TickLabelStyle.FontSize = 14;
        var highest = series.SelectMany(s => s.Values.Select((v, i) => v + s.Spreads.ElementAtOrDefault(i))).Where(double.IsFinite).DefaultIfEmpty(1).Max();
        plot.Axes.SetLimits(-0.6, groups.Count - 0.4, 0, highest > 0 ? 1.12 * highest : 1);
        plot.Grid.XAxisStyle.IsVisible = false;
        if (series.Count > 1)
        {
            PlotFrame.LegendBelow(plot);
        }

        PlotFrame.Save(plot, file, Width, Height);
    }

    /// <summary>Error bars where there are spreads, and the values above both.</summary>
    private static void AddSpreads(Plot plot, BarSeries bars, double[] places)
    {
        if (bars.Spreads.Any(s => s > 0))
        {
            // The bars' own would be as wide as their border, which they have none of.
            var spreads = plot.Add.ErrorBar(places, [.. bars.Values], [.. bars.Spreads]);
            spreads.Color = Colors.Black.WithAlpha(0.7);
            spreads.LineWidth = 1.5f;
            spreads.CapSize = 5;
        }

        foreach (var (group, value) in bars.Values.Index().Where(b => double.IsFinite(b.Item)))
        {
            AddLabel(plot, value, places[group], value + bars.Spreads.ElementAtOrDefault(group));
        }
    }

    /// <summary>A value above its bar and its spread.</summary>
    private static void AddLabel(Plot plot, double value, double x, double y)
    {
        var label = plot.Add.Text(value.ToString(value >= 100 ? "#,0" : value >= 10 ? "0.0" : value >= 1 ? "0.00" : "0.000", CultureInfo.InvariantCulture), x, y);
        label.LabelFontName = Fonts.Default;
        label.LabelFontSize = 12;
        label.LabelAlignment = Alignment.LowerCenter;
        label.OffsetY = -3;
    }
}
