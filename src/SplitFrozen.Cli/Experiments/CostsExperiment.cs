using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What the methods of <see cref="Table2Experiment"/> cost on the same data, without training anything.</summary>
internal sealed class CostsExperiment(IComposition composition) : IExperiment
{
    /// <inheritdoc/>
    public string Name => "costs";

    /// <inheritdoc/>
    public string Description => "What the four methods cost devices and server on data spread as table2 does, by the cost model (nothing is trained).";

    /// <inheritdoc/>
    public string Note =>
        "Computed, not measured: operations, bytes, memory and times by the cost model over the batches that training would walk (a multiply-add counts two; profile paper: links of 600 Mbit/s, devices of 1 TFLOP/s "
        + "and a server of 6 TFLOP/s assumed). Columns with no_store are for a server that keeps no activations; reductions are against fedlora on the same data.";

    /// <inheritdoc/>
    public string Configuration => "experiments.conf";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) =>
    [
        .. from kind in DataSpreads.Kinds(settings, composition.LabelsOf(settings).Count)
           from method in TrainingMethods.All
           select new ExperimentCell($"{DataSpreads.NameOf(kind)}-{method}", new Dictionary<string, string> { ["partition"] = DataSpreads.NameOf(kind), ["method"] = method }),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var spread = Enum.Parse<PartitionKind>(cell.Parameters["partition"], ignoreCase: true);
        var (cost, plain) = composition.ComputeCosts(DataSpreads.With(settings, spread, composition.LabelsOf(settings).Count) with
        {
            Training = settings.Training with { Method = cell.Parameters["method"], LoraFrom = null },
        });
        return CostColumns.Of(cost, plain);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentRow> Compare(IReadOnlyList<ExperimentRow> rows) => CostColumns.Compare(rows);

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        Save("devices.png", "What a device computes in a run (mean of the devices; cost model)", "10⁹ operations", "device_gflop_no_store");
        Save("time.png", "Time of a run on the profile paper (cost model)", "seconds", "wall_s_no_store");

        void Save(string file, string title, string vertical, string column) => BarPlot.Save(
            Path.Combine(folder, file), title + ", activations not kept", vertical, [.. rows.Select(r => r.Parameter("partition")).Distinct()],
            [.. rows.GroupBy(r => r.Parameter("method")).Select(g => new BarSeries(g.Key, [.. g.Select(r => r.Values[column])]))]);
    }
}
