namespace SplitFrozen.Cli.Benchmarks;

/// <summary>What a benchmark found.</summary>
/// <param name="Bench">Its name.</param>
/// <param name="Machine">Where it ran.</param>
/// <param name="Ratios">The figures that are held against bounds, by name: ratios of two things measured side by side in this run; null where one of them is not to be had.</param>
/// <param name="Rows">All that was measured, in the order in which it is shown.</param>
/// <param name="Notes">What a reader must know to read the figures.</param>
internal sealed record BenchReport(
    string Bench, Machine Machine, IReadOnlyDictionary<string, double?> Ratios, IReadOnlyList<BenchRow> Rows, IReadOnlyList<string> Notes);

/// <summary>One thing that was measured several times.</summary>
/// <param name="Name">What.</param>
/// <param name="Unit">Its unit, such as GFLOP/s.</param>
/// <param name="Median">The middle of the runs.</param>
/// <param name="Minimum">The smallest.</param>
/// <param name="Maximum">The largest.</param>
/// <param name="Runs">How many runs.</param>
internal sealed record BenchRow(string Name, string Unit, double Median, double Minimum, double Maximum, int Runs)
{
    /// <summary>The row of some runs, at least one.</summary>
    public static BenchRow Of(string name, string unit, IEnumerable<double> runs)
    {
        double[] sorted = [.. runs.Order()];
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new BenchRow(name, unit, median, sorted[0], sorted[^1], sorted.Length);
    }
}
