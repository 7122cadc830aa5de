using System.Globalization;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Files;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>Writes a run's trace: trace.json for Perfetto, and a picture of its beginning.</summary>
internal static class TraceFiles
{
    /// <summary>Operations in the picture; more would be too narrow to see.</summary>
    private const int PictureSpans = 250;

    private static readonly string[] Categories = ["device forward", "transfer", "catch-up", "F", "B", "W", "step", RunTrace.Waiting, "place", "hand over"];

    /// <summary>Writes both files into the run's folder; nothing where nothing was traced.</summary>
    public static void Write(string folder, RunTrace trace)
    {
        var spans = trace.Spans;
        if (spans.Count == 0)
        {
            return;
        }

        AtomicFile.Write(Path.Combine(folder, "trace.json"), trace.WriteChrome);

        // Training begins with the first F; what was scored before it would only push the rest out of the picture.
        var shown = spans.Where(s => s.Name != "evaluation").Take(PictureSpans).ToList();
        var idle = trace.IdleShares();
        var lanes = shown.Select(s => s.Lane).Distinct().Order(StringComparer.Ordinal).ToList();
        var start = shown.Min(s => s.Start);
        TimelinePlot.Save(
            Path.Combine(folder, "timeline.png"),
            string.Create(CultureInfo.InvariantCulture, $"The first {shown.Count} of {spans.Count} operations (share of the whole run in which a lane was idle)"), "seconds",
            [.. lanes.Select(l => string.Create(CultureInfo.InvariantCulture, $"{l} ({idle[l]:P0} idle)"))],
            [.. shown.Select(s => new TimelineBar(lanes.IndexOf(s.Lane), s.Start - start, s.Start - start + s.Seconds, s.Name))],
            Categories);
    }
}
