using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>The methods on evenly spread data and on two kinds of uneven data.</summary>
internal sealed class Table2Experiment(IComposition composition) : TrainingExperiment(composition)
{
    /// <inheritdoc/>
    public override string Name => "table2";

    /// <inheritdoc/>
    public override string Description => "The four methods on IID, Dirichlet and pathological data (without labels: IID and uneven amounts): accuracy, device computation, bytes, memory and time.";

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
        List<string> spreads = [.. rows.Select(r => r.Parameter("partition")).Distinct()];
        BarPlot.Save(
            Path.Combine(folder, "accuracy.png"), "Accuracy by method and spread of the data", "accuracy on the evaluation split", spreads,
            [.. Methods.Select(m => new BarSeries(m, [.. spreads.Select(p => Of(m, p, "accuracy"))]) { Spreads = [.. spreads.Select(p => Spread(m, p))] })]);
        BarPlot.Save(
            Path.Combine(folder, "devices.png"), "What a device computes in a run (mean of the devices; cost model)", "10⁹ operations", spreads,
            [.. Methods.Where(m => m != TrainingMethods.CenLora).Select(m => new BarSeries(m, [.. spreads.Select(p => Of(m, p, "device_gflop"))]))]);
        BarPlot.Save(
            Path.Combine(folder, "time.png"), "Time of a run on the profile paper (cost model)", "seconds", spreads,
            [.. Methods.Select(m => new BarSeries(m, [.. spreads.Select(p => Of(m, p, "wall_s"))]))]);

        ExperimentRow Row(string method, string spread) => rows.First(r => r.Parameter("method") == method && r.Parameter("partition") == spread);
        double Of(string method, string spread, string column) => Row(method, spread).Values[column];
        double Spread(string method, string spread) => Row(method, spread).Spreads.GetValueOrDefault("accuracy");
    }

    /// <inheritdoc/>
    protected override IEnumerable<Variant> Variants(Settings settings)
    {
        var labels = LabelsOf(settings);
        return from kind in DataSpreads.Kinds(settings, labels)
               from method in Methods
               select Of(With(DataSpreads.With(settings, kind, labels), method), ("partition", DataSpreads.NameOf(kind)), ("method", method));
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, double> Values(TrialResult result) =>
        new Dictionary<string, double> { ["accuracy"] = result.After, ["validation"] = result.Validation }
            .Concat(CostColumns.Of(result.Cost, result.WithoutStore)).ToDictionary();
}
