using ScottPlot;

namespace SplitFrozen.Cli.Plots;

/// <summary>A series of a bar plot.</summary>
/// <param name="Name">Its entry in the legend.</param>
/// <param name="Values">A value for each group.</param>
internal sealed record BarSeries(string Name, IReadOnlyList<double> Values);

/// <summary>Bars side by side in groups, each with its value above it.</summary>
internal static class BarPlot
{
    private const int Width = 1100;
    private const int Height = 640;

    /// <summary>Draws the bars and writes a PNG.</summary>
    /// <param name="file">Where; replaced as a whole if it exists.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="vertical">Name of the y axis with its unit; it begins at 0.</param>
    /// <param name="groups">Names of the groups.</param>
    /// <param name="series">The series.</param>
    /// <exception cref="Domain.UserErrorException">The file cannot be written.</exception>
    public static void Save(string file, string title, string vertical, IReadOnlyList<string> groups, IReadOnlyList<BarSeries> series)
    {
        var plot = PlotFrame.Create(title, "", vertical);
        var step = series.Count + 1;
        foreach (var (index, one) in series.Index())
        {
            var bars = plot.Add.Bars(
                [.. one.Values.Select((_, group) => (double)((group * step) + index))], [.. one.Values]);
            bars.Color = PlotFrame.Series(index);
            bars.LegendText = one.Name;
            foreach (var bar in bars.Bars)
            {
                bar.Label = bar.Value.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        plot.Axes.Bottom.SetTicks([.. groups.Select((_, group) => (group * step) + ((series.Count - 1) / 2.0))], [.. groups]);
        plot.Axes.SetLimits(-1, (groups.Count * step) - 1, 0, 1.12 * series.SelectMany(s => s.Values).Max());
        PlotFrame.LegendBelow(plot);
        PlotFrame.Save(plot, file, Width, Height);
    }
}
