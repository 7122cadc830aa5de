using System.Globalization;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>How unevenly the data may be spread.</summary>
internal sealed class AlphaExperiment(IComposition composition) : TrainingExperiment(composition)
{
    private const string Iid = "iid";
    private static readonly double[] Alphas = [0.05, 0.1, 0.3, 1, 10];

    /// <inheritdoc/>
    public override string Name => "alpha";

    /// <inheritdoc/>
    public override string Description => "Accuracy of each method over the concentration of the Dirichlet distribution that spreads the data.";

    /// <inheritdoc/>
    public override string Note => "Accuracy on the evaluation split after training on data spread with Dirichlet alpha (labels; amounts where rows have no labels); iid: evenly.";

    /// <inheritdoc/>
    public override void Draw(string folder, IReadOnlyList<ExperimentRow> rows) => LinePlot.Save(
        Path.Combine(folder, "alpha.png"), "Accuracy over the evenness of the data", "Dirichlet α (100 stands for evenly spread data)", "accuracy on the evaluation split",
        [.. rows.GroupBy(r => r.Parameter("method")).Select(method => new LineSeries(
            method.Key, [.. method.Select(r => (X: r.Parameter("alpha") == Iid ? 100 : double.Parse(r.Parameter("alpha"), CultureInfo.InvariantCulture), r.Values["accuracy"]))])
        {
            Spreads = [.. method.Select(r => r.Spreads.GetValueOrDefault("accuracy"))],
        })]);

    /// <inheritdoc/>
    protected override IEnumerable<Variant> Variants(Settings settings)
    {
        var labels = LabelsOf(settings);
        var uneven = labels > 0 ? PartitionKind.Dirichlet : PartitionKind.Quantity;
        return from method in Methods
               from variant in Alphas.Select(a => (Name: Text(a), Settings: DataSpreads.With(settings, uneven, labels, a)))
                   .Append((Name: Iid, Settings: DataSpreads.With(settings, PartitionKind.Iid, labels)))
               select Of(With(variant.Settings, method), ("method", method), ("alpha", variant.Name));
    }
}
