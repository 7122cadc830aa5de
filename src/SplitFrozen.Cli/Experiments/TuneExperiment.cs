using System.Globalization;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>The search for each method's learning rate, and for FedLoRA's local passes, on the validation set.</summary>
internal sealed class TuneExperiment(IComposition composition) : TrainingExperiment(composition)
{
    private static readonly double[] Rates = [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2];
    private static readonly int[] LocalEpochs = [1, 2];

    /// <inheritdoc/>
    public override string Name => "tune";

    /// <inheritdoc/>
    public override string Description => "Search for each method's learning rate, and FedLoRA's local passes, by accuracy on the validation set.";

    /// <inheritdoc/>
    public override string Note => "Accuracy on the validation set, which no device trains on; the evaluation set is not looked at. Passes over the data are the same everywhere, rounded up to whole rounds: more local passes mean fewer rounds.";

    /// <inheritdoc/>
    public override void Draw(string folder, IReadOnlyList<ExperimentRow> rows) => LinePlot.Save(
        Path.Combine(folder, "tune.png"), "Search for learning rates", "learning rate (10⁻³)", "accuracy on the validation set",
        [.. rows.GroupBy(r => (Method: r.Parameter("method"), Local: r.Parameter("local_epochs"))).Select(g => new LineSeries(
            g.Key.Method == TrainingMethods.FedLora ? $"{g.Key.Method}, {g.Key.Local} local passes" : g.Key.Method,
            [.. g.Select(r => (1e3 * double.Parse(r.Parameter("learning_rate"), CultureInfo.InvariantCulture), r.Values["validation"]))])
        {
            Spreads = [.. g.Select(r => r.Spreads.GetValueOrDefault("validation"))],
        })]);

    /// <inheritdoc/>
    protected override IEnumerable<Variant> Variants(Settings settings) =>
        from method in Methods
        from local in method == TrainingMethods.FedLora ? LocalEpochs : [1]
        from rate in Rates
        let changed = settings with
        {
            Training = settings.Training with { LearningRate = rate },
            FedLora = settings.FedLora with { LearningRate = null, LocalEpochs = local },
            SplitLora = settings.SplitLora with { LearningRate = null },
        }
        select Of(With(changed, method), ("method", method), ("local_epochs", Text(local)), ("learning_rate", Text(rate)));

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, double> Values(TrialResult result) => new Dictionary<string, double> { ["validation"] = result.Validation };
}
