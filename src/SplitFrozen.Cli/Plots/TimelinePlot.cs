using ScottPlot;

namespace SplitFrozen.Cli.Plots;

/// <summary>A stretch of time in which a lane does something.</summary>
/// <param name="Lane">Place of the lane, from 0 at the top.</param>
/// <param name="Start">Where it begins, in the unit of the time axis.</param>
/// <param name="End">Where it ends.</param>
/// <param name="Category">What is done; each category has a colour and a line in the legend.</param>
/// <param name="Label">Written inside where there is room; may be empty.</param>
internal readonly record struct TimelineBar(int Lane, double Start, double End, string Category, string Label = "");

/// <summary>What lanes (stages, devices, links) do over time, one bar an operation: replays of schedules and traces of runs.</summary>
internal static class TimelinePlot
{
    private const int Width = 1400;
    private const int LaneHeight = 56;

    /// <summary>Space for title, axis and legend.</summary>
    private const int Surrounds = 190;

    /// <summary>Draws the lanes and writes a PNG.</summary>
    /// <param name="file">Where; replaced as a whole if it exists.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="timeAxis">Name of the time axis with its unit.</param>
    /// <param name="lanes">Names of the lanes, from the top.</param>
    /// <param name="bars">What they do, in any order.</param>
    /// <param name="categories">All categories in the order of the legend; their colours depend on their places.</param>
    /// <exception cref="Domain.UserErrorException">The file cannot be written.</exception>
    public static void Save(
        string file, string title, string timeAxis, IReadOnlyList<string> lanes, IReadOnlyList<TimelineBar> bars, IReadOnlyList<string> categories) =>
        PlotFrame.Save(Draw(title, timeAxis, lanes, bars, categories), file, Width, Surrounds + (LaneHeight * lanes.Count));

    private static Plot Draw(
        string title, string timeAxis, IReadOnlyList<string> lanes, IReadOnlyList<TimelineBar> bars, IReadOnlyList<string> categories)
    {
        var plot = PlotFrame.Create(title, timeAxis, "");
        var end = bars.Select(b => b.End).DefaultIfEmpty(1).Max();
        plot.PlottableList.Add(new TimelineBars(bars, categories));
        plot.Axes.Left.SetTicks([.. Enumerable.Range(0, lanes.Count).Select(lane => (double)-lane)], [.. lanes]);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.SetLimits(0, end > 0 ? end * 1.01 : 1, -lanes.Count + 0.4, 0.6);
        plot.Grid.YAxisStyle.IsVisible = false;
        plot.Legend.ManualItems.AddRange(categories.Select(Entry));
        PlotFrame.LegendBelow(plot);
        return plot;
    }

    private static LegendItem Entry(string category, int place) =>
        new() { LabelText = category, FillColor = PlotFrame.Series(place), LineWidth = 0, MarkerSize = 0 };
}
