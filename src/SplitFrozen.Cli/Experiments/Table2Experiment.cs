using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>The methods on evenly spread data and on two kinds of uneven data.</summary>
internal sealed class Table2Experiment(IComposition composition) : TrainingExperiment(composition)
{
    private static readonly PartitionKind[] Partitions = [PartitionKind.Iid, PartitionKind.Dirichlet, PartitionKind.Pathological];

    /// <inheritdoc/>
    public override string Name => "table2";

    /// <inheritdoc/>
    public override string Description => "The four methods on IID, Dirichlet and pathological data: accuracy, device computation, bytes, memory and time.";

    /// <inheritdoc/>
    public override string Note =>
        "Accuracies are trained ones, on the evaluation split. Operations, bytes, memory and times are by the cost model over the same batches (a multiply-add counts two; profile paper: links of 600 Mbit/s, "
        + "devices of 1 TFLOP/s and a server of 6 TFLOP/s assumed). SplitFrozen is trained by the single-process loop over the blocks above the frozen line, whose losses and adapter equal the cluster's bit for bit. "
        + "Columns with no_store are for a server that keeps no activations; reductions are against fedlora on the same data.";

    /// <inheritdoc/>
    public override IReadOnlyList<ExperimentRow> Compare(IReadOnlyList<ExperimentRow> rows) => CostColumns.Compare(
        [.. rows.Select(row => row.With(("relative_accuracy", (row.Values["accuracy"] / CostColumns.Federated(rows, row).Values["accuracy"]) - 1)))]);

    /// <inheritdoc/>
    public override void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        BarPlot.Save(
            Path.Combine(folder, "accuracy.png"), "Accuracy by method and spread of the data", "accuracy on the evaluation split", Partitions.Select(NameOf).ToList(),
            [.. Methods.Select(m => new BarSeries(m, [.. Partitions.Select(p => Of(m, p, "accuracy"))]) { Spreads = [.. Partitions.Select(p => Spread(m, p))] })]);
        BarPlot.Save(
            Path.Combine(folder, "devices.png"), "What a device computes in a run (mean of the devices; cost model)", "10⁹ operations", Partitions.Select(NameOf).ToList(),
            [.. Methods.Where(m => m != TrainingMethods.CenLora).Select(m => new BarSeries(m, [.. Partitions.Select(p => Of(m, p, "device_gflop"))]))]);
        BarPlot.Save(
            Path.Combine(folder, "time.png"), "Time of a run on the profile paper (cost model)", "seconds", Partitions.Select(NameOf).ToList(),
            [.. Methods.Select(m => new BarSeries(m, [.. Partitions.Select(p => Of(m, p, "wall_s"))]))]);

        ExperimentRow Row(string method, PartitionKind kind) => rows.First(r => r.Parameter("method") == method && r.Parameter("partition") == NameOf(kind));
        double Of(string method, PartitionKind kind, string column) => Row(method, kind).Values[column];
        double Spread(string method, PartitionKind kind) => Row(method, kind).Spreads.GetValueOrDefault("accuracy");
    }

    /// <inheritdoc/>
    protected override IEnumerable<Variant> Variants(Settings settings) =>
        from kind in Partitions
        from method in Methods
        select Of(With(With(settings, kind), method), ("partition", NameOf(kind)), ("method", method));

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, double> Values(TrialResult result) =>
        new Dictionary<string, double> { ["accuracy"] = result.After, ["validation"] = result.Validation }
            .Concat(CostColumns.Of(result.Cost, result.WithoutStore)).ToDictionary();

    private static string NameOf(PartitionKind kind) => kind.ToString().ToLowerInvariant();
}
