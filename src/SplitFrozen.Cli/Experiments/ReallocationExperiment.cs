using System.Globalization;

using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>
/// Static against dynamic allocation on capacities that drift: a device slows to a third and recovers, or all stay as they are; measured on a cluster with emulated devices
/// and server.
/// </summary>
internal sealed class ReallocationExperiment : IExperiment
{
    private const int Runs = 3;

    /// <inheritdoc/>
    public string Name => "reallocation";

    /// <inheritdoc/>
    public string Description => "Static against dynamic allocation when a device slows to a third and recovers, and when nothing changes: an epoch on emulated devices and server.";

    /// <inheritdoc/>
    public string Note =>
        "Measured: real actors, frames and sockets; four devices and the server wait as long as their rates ask for instead of computing. 2,400 samples; the server trains 8 samples in 30 ms and completes layers "
        + "7.5 times as fast as the strongest device, which needs 160 ms for 8 samples with all frozen layers; the others have 7/8, 6/8 and 5/8 of its rate. static: dealt out once, as by the policy proportional at the start; dynamic: dealt out anew every 500 ms. "
        + "drifting: the strongest device runs at a third of its rate from 3 to 8 s; drifting in turn: each device in its turn, 3 s each from 1 s on. bubble_share is the share of the time in which the trainer had nothing to do.";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) =>
    [
        .. from trace in DriftTraces.All
           from way in DriftTraces.Ways
           from run in Enumerable.Range(1, Runs)
           select new ExperimentCell($"{trace.Replace(' ', '-')}-{way}-{run}", new Dictionary<string, string>
           {
               ["trace"] = trace, ["policy"] = EmulatedDrift.Policy, ["allocation"] = way, ["run"] = run.ToString(CultureInfo.InvariantCulture),
           }),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var outcome = EmulatedDrift.RunAsync(cell.Parameters["trace"], cell.Parameters["allocation"] == DriftTraces.Dynamic).GetAwaiter().GetResult().OnTime();
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
}
