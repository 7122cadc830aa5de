using SplitFrozen.Cli.Plots;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Four devices whose capacities drift, or do not.</summary>
internal static class DriftTraces
{
    /// <summary>Nothing changes.</summary>
    public const string Steady = "steady";

    /// <summary>The strongest device runs at a third of its rate for a time.</summary>
    public const string Drifting = "drifting";

    /// <summary>Each device does, in its turn.</summary>
    public const string InTurn = "drifting in turn";

    /// <summary>Layers are dealt out once.</summary>
    public const string Static = "static";

    /// <summary>Layers are dealt out anew.</summary>
    public const string Dynamic = "dynamic";

    /// <summary>All traces.</summary>
    public static IReadOnlyList<string> All { get; } = [Steady, Drifting, InTurn];

    /// <summary>Both.</summary>
    public static IReadOnlyList<string> Ways { get; } = [Static, Dynamic];

    /// <summary>GFLOP/s of the devices, in the measured run their proportions: phones of about equal strength, so that a device that slows down changes which stage is the slowest.</summary>
    public static IReadOnlyList<double> GigaFlops { get; } = [8, 7, 6, 5];

    /// <summary>Writes plots of columns seconds and bubble_share by trace, policy and allocation.</summary>
    public static void Draw(string folder, IReadOnlyList<ExperimentRow> rows, string how)
    {
        foreach (var (column, title, axis) in new[]
        {
            ("seconds", "Time of a run by allocation and capacity trace", "seconds"),
            ("bubble_share", "The trainer's bubble share by allocation and capacity trace", "share of the time without work"),
        })
        {
            BarPlot.Save(
                Path.Combine(folder, $"{column}.png"), $"{title} ({how})", axis, All,
                [.. rows.GroupBy(r => $"{r.Parameter("policy")}, {r.Parameter("allocation")}").Select(g => new BarSeries(
                    g.Key, [.. All.Select(t => g.Where(r => r.Parameter("trace") == t).Average(r => r.Values[column]))]))]);
        }
    }
}
