using System.Globalization;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>
/// Static against dynamic allocation on capacities that drift: a device slows to a third and recovers, or all stay as they are; measured on a cluster with emulated devices
/// and server.
/// </summary>
internal sealed class ReallocationExperiment : IExperiment
{
    private const string StaticCell = "static";
    private const string DynamicCell = "dynamic";
    private const int Runs = 3;

    /// <inheritdoc/>
    public string Name => "reallocation";

    /// <inheritdoc/>
    public string Description => "Static against dynamic allocation when a device slows to a third and recovers, and when nothing changes: an epoch on emulated devices and server.";

    /// <inheritdoc/>
    public string Note =>
        "Measured: real actors, frames and sockets; four devices and the server wait as long as their rates ask for instead of computing. 2,400 samples; the server trains 8 samples in 30 ms and completes layers "
        + "7.5 times as fast as the strongest device, which needs 160 ms for 8 samples with all frozen layers. static: dealt out once, as the policy does at the start; dynamic: dealt out anew every 500 ms. "
        + "drifting: the strongest device runs at a third of its rate from 3 to 8 s; drifting in turn: each device in its turn, 3 s each. bubble_share is the share of the time in which the trainer had nothing to do.";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) =>
    [
        .. from trace in DriftTraces.All
           from way in (string[])[StaticCell, DynamicCell]
           from run in Enumerable.Range(1, Runs)
           select new ExperimentCell($"{trace.Replace(' ', '-')}-{way}-{run}", new Dictionary<string, string>
           {
               ["trace"] = trace, ["policy"] = BuiltInPolicies.Proportional, ["allocation"] = way, ["run"] = run.ToString(CultureInfo.InvariantCulture),
           }),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var strongest = DriftTraces.GigaFlops.Max();
        var outcome = EmulatedDrift.RunAsync(
            cell.Parameters["policy"], cell.Parameters["allocation"] == DynamicCell, [.. DriftTraces.GigaFlops.Select(g => g / strongest)],
            device => Slow(cell.Parameters["trace"], device)).GetAwaiter().GetResult();
        return new Dictionary<string, double>
        {
            ["seconds"] = outcome.Seconds,
            ["bubble_share"] = outcome.Summary.StageSeconds.TrainerIdle / outcome.Seconds,
            ["layer_changes"] = outcome.LayerChanges,
            ["exactly_once"] = outcome.Epochs.All(e => e.IsExact) ? 1 : 0,
        };
    }

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows) => DriftTraces.Draw(folder, rows, "measured on emulated devices, mean of three runs");

    private static (double From, double To)? Slow(string trace, int device) => trace switch
    {
        DriftTraces.Drifting when device == 0 => (3, 8),
        DriftTraces.InTurn => (3 * device, 3 * (device + 1)),
        _ => null,
    };
}
