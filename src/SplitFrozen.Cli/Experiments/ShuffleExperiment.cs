using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What becomes of training where samples are shuffled less, or not at all.</summary>
internal sealed class ShuffleExperiment(IComposition composition) : TrainingExperiment(composition)
{
    private static readonly string[] Orders = ["plan", "buffer:2048", "buffer:512", "buffer:128", "none"];

    /// <inheritdoc/>
    public override string Name => "shuffle";

    /// <inheritdoc/>
    public override string Description => "Accuracy of SplitFrozen with the sampling plan, with shuffle buffers of several sizes, and without shuffling.";

    /// <inheritdoc/>
    public override string Note => "Accuracy on the evaluation split; buffers hold so many samples of devices that send one after another.";

    /// <inheritdoc/>
    public override void Draw(string folder, IReadOnlyList<ExperimentRow> rows) => BarPlot.Save(
        Path.Combine(folder, "shuffle.png"), "Accuracy over the order of the samples", "accuracy on the evaluation split", [.. rows.Select(r => r.Parameter("order"))],
        [new BarSeries("splitfrozen", [.. rows.Select(r => r.Values["accuracy"])]) { Spreads = [.. rows.Select(r => r.Spreads.GetValueOrDefault("accuracy"))] }]);

    /// <inheritdoc/>
    protected override IEnumerable<Variant> Variants(Settings settings)
    {
        var splitFrozen = With(settings, TrainingMethods.SplitFrozen);
        return Orders.Select(order => Of(
            splitFrozen with { Training = splitFrozen.Training with { Order = SampleOrder.Parse(order)!.Value } }, ("order", order)));
    }
}
