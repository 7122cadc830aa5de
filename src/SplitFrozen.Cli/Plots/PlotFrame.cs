using ScottPlot;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Files;

namespace SplitFrozen.Cli.Plots;

/// <summary>
/// What all plots have in common: the shipped font, so that text is drawn on machines without fonts, colours that colour-blind people can tell apart, and a file that appears
/// whole or not at all.
/// </summary>
internal static class PlotFrame
{
    private const string FontName = "DejaVu Sans";

    /// <summary>Okabe and Ito's colours.</summary>
    private static readonly Color[] Palette =
    [
        Color.FromHex("#0072B2"), Color.FromHex("#E69F00"), Color.FromHex("#009E73"), Color.FromHex("#CC79A7"),
        Color.FromHex("#56B4E9"), Color.FromHex("#D55E00"), Color.FromHex("#F0E442"), Color.FromHex("#999999"),
        Color.FromHex("#332288"), Color.FromHex("#882255"),
    ];

    private static readonly Lazy<string> Font = new(RegisterFont);

    /// <summary>The colour of a series.</summary>
    public static Color Series(int index) => Palette[index % Palette.Length];

    /// <summary>An empty plot with a title and axis names, which hold the units.</summary>
    public static Plot Create(string title, string horizontal, string vertical)
    {
        var plot = new Plot();
        plot.Font.Set(Font.Value);
        plot.Title(title, size: 16);
        plot.XLabel(horizontal, size: 14);
        plot.YLabel(vertical, size: 14);
        foreach (var label in new[] { plot.Axes.Title.Label, plot.Axes.Bottom.Label, plot.Axes.Left.Label })
        {
            label.Bold = false;
        }

        plot.Legend.FontName = Font.Value;
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(0.1);
        return plot;
    }

    /// <summary>The legend below the plot, where it covers nothing.</summary>
    public static void LegendBelow(Plot plot)
    {
        var panel = plot.ShowLegend(Edge.Bottom);
        panel.Legend.Orientation = Orientation.Horizontal;
        panel.Legend.ShadowColor = Colors.Transparent;
        panel.Legend.OutlineColor = Colors.Transparent;
    }

    /// <summary>Writes a PNG; a file that exists is replaced at once, as a whole.</summary>
    /// <exception cref="UserErrorException">It cannot be written.</exception>
    public static void Save(Plot plot, string file, int width, int height)
    {
        var bytes = plot.GetImageBytes(width, height, ImageFormat.Png);
        try
        {
            AtomicFile.Write(file, stream => stream.Write(bytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The picture {file} cannot be written: {e.Message} Name a file in a folder that exists and may be written to.", e);
        }
    }

    private static string RegisterFont()
    {
        Fonts.AddFontFile(FontName, Path.Combine(AppContext.BaseDirectory, "assets", "fonts", "DejaVuSans.ttf"));
        Fonts.Default = FontName;
        return FontName;
    }
}
