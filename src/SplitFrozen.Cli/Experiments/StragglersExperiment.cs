using System.Globalization;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What relaxed order gains where devices are slow for a time, and what it costs where they are not; measured on a cluster with emulated devices and server.</summary>
internal sealed class StragglersExperiment : IExperiment
{
    private const string Strict = "strict";
    private const string Relaxed = "relaxed";
    private const string Steady = "steady";
    private const string Pauses = "slow in turn";
    private const int Runs = 3;
    private static readonly string[] Traces = [Steady, Pauses];
    private static readonly int[] Windows = [2, 4];

    /// <inheritdoc/>
    public string Name => "stragglers";

    /// <inheritdoc/>
    public string Description => "Strict against relaxed order (splitfrozen.training.put-off-after) where devices are slow in turn: an epoch on emulated devices and server.";

    /// <inheritdoc/>
    public string Note =>
        "Measured: real actors, frames and sockets; four devices and the server wait as long as their rates ask for instead of computing. 1,200 samples in batches of 16, grants of two batches; the server needs 40 ms for 8 samples, a device 100 ms. slow in turn: each device once takes ten times as long for about a second. relaxed: put-off-after = 50ms. waiting is the time in which the trainer had nothing to do.";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) =>
    [
        .. from trace in Traces
           from window in Windows
           from order in (string[])[Strict, Relaxed]
           from run in Enumerable.Range(1, Runs)
           select new ExperimentCell($"{trace.Replace(' ', '-')}-{window}-{order}-{run}", new Dictionary<string, string>
           {
               ["trace"] = trace, ["window"] = window.ToString(CultureInfo.InvariantCulture), ["order"] = order, ["run"] = run.ToString(CultureInfo.InvariantCulture),
           }),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var result = EmulatedStragglers.RunAsync(
            cell.Parameters["trace"] == Pauses, int.Parse(cell.Parameters["window"], CultureInfo.InvariantCulture), cell.Parameters["order"] == Relaxed).GetAwaiter().GetResult();
        return new Dictionary<string, double>
        {
            ["seconds"] = result.Seconds,
            ["waiting"] = result.WaitingSeconds,
            ["put_off"] = result.PutOff,
            ["exactly_once"] = result.IsExact ? 1 : 0,
        };
    }

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows) => BarPlot.Save(
        Path.Combine(folder, "stragglers.png"), "An epoch by order of samples, where devices are slow in turn (emulated; mean of three runs)", "seconds",
        [.. Traces.SelectMany(t => Windows.Select(w => $"{t}, window {w}"))],
        [.. rows.GroupBy(r => r.Parameter("order")).Select(g => new BarSeries(
            g.Key,
            [.. Traces.SelectMany(t => Windows.Select(w =>
                g.Where(r => r.Parameter("trace") == t && r.Parameter("window") == w.ToString(CultureInfo.InvariantCulture)).Average(r => r.Values["seconds"])))]))]);
}
