using SplitFrozen.Domain.Configuration;
using SplitFrozen.Methods.Accounting;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Columns of tables that compare what methods cost.</summary>
internal static class CostColumns
{
    /// <summary>The columns of a run.</summary>
    /// <param name="cost">What it costs.</param>
    /// <param name="plain">What it costs where the server keeps no activations.</param>
    public static IReadOnlyDictionary<string, double> Of(MethodCost cost, MethodCost plain)
    {
        var devices = Math.Max(1, cost.Devices.Count);
        return new Dictionary<string, double>
        {
            ["device_mflop_per_token"] = cost.DeviceFlopsPerToken / 1e6,
            ["device_gflop"] = cost.DeviceFlops / devices / 1e9,
            ["device_gflop_no_store"] = plain.DeviceFlops / devices / 1e9,
            ["device_mb_up"] = cost.MeanBytesUp / 1e6,
            ["device_mb_up_no_store"] = plain.MeanBytesUp / 1e6,
            ["device_mb_down"] = cost.MeanBytesDown / 1e6,
            ["device_peak_mb"] = cost.PeakBytes / 1e6,
            ["wall_s"] = cost.WallSeconds,
            ["wall_s_no_store"] = plain.WallSeconds,
        };
    }

    /// <summary>Adds what each row saves against FedLoRA on the same data.</summary>
    public static IReadOnlyList<ExperimentRow> Compare(IReadOnlyList<ExperimentRow> rows) => [.. rows.Select(row =>
    {
        var fed = Federated(rows, row);
        double Less(string of, string column) => 1 - (row.Values[column] / fed.Values[of]);
        return row.With(
            ("less_mflop_per_token", Less("device_mflop_per_token", "device_mflop_per_token")),
            ("less_device_gflop", Less("device_gflop", "device_gflop")), ("less_device_gflop_no_store", Less("device_gflop", "device_gflop_no_store")),
            ("less_time", Less("wall_s", "wall_s")), ("less_time_no_store", Less("wall_s", "wall_s_no_store")));
    })];

    /// <summary>FedLoRA's row on the same data.</summary>
    public static ExperimentRow Federated(IReadOnlyList<ExperimentRow> rows, ExperimentRow row) =>
        rows.First(r => r.Parameter("partition") == row.Parameter("partition") && r.Parameter("method") == TrainingMethods.FedLora);
}
