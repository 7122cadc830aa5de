using System.Globalization;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What the place of the frozen line costs and saves.</summary>
internal sealed class CutExperiment(IComposition composition) : TrainingExperiment(composition)
{
    private readonly IComposition _composition = composition;

    /// <inheritdoc/>
    public override string Name => "cut";

    /// <inheritdoc/>
    public override string Description => "Accuracy, device computation and bytes of SplitFrozen over the cut layer.";

    /// <inheritdoc/>
    public override string Note => "Accuracy on the evaluation split; device operations, bytes and server operations of the whole run by the cost model, with activations kept by the server.";

    /// <inheritdoc/>
    public override void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        static double Cut(ExperimentRow row) => double.Parse(row.Parameter("cut"), CultureInfo.InvariantCulture);
        LinePlot.Save(
            Path.Combine(folder, "accuracy.png"), "Accuracy over the cut layer", "cut layer (frozen blocks)", "accuracy on the evaluation split",
            [new LineSeries("splitfrozen", Line("accuracy")) { Spreads = [.. rows.Select(r => r.Spreads.GetValueOrDefault("accuracy"))] }]);
        LinePlot.Save(
            Path.Combine(folder, "computation.png"), "Who computes how much over the cut layer (cost model)", "cut layer (frozen blocks)", "10⁹ operations in a run",
            [
                new LineSeries("all devices", Line("devices_gflop")),
                new LineSeries("server", Line("server_gflop")),
            ]);
        LinePlot.Save(
            Path.Combine(folder, "bytes.png"), "What a device sends over the cut layer (cost model)", "cut layer (frozen blocks)", "10⁶ bytes in a run",
            [new LineSeries("activations kept by the server", Line("device_mb_up")), new LineSeries("not kept", Line("device_mb_up_no_store"))]);

        IReadOnlyList<(double X, double Y)> Line(string column) => [.. rows.Select(r => (Cut(r), r.Values[column]))];
    }

    /// <inheritdoc/>
    protected override IEnumerable<Variant> Variants(Settings settings)
    {
        var splitFrozen = With(settings, TrainingMethods.SplitFrozen);
        var layers = _composition.ReadShape(settings).Layers;
        var cuts = layers <= 12 ? Enumerable.Range(1, layers - 1) : Enumerable.Range(1, 7).Select(i => i * layers / 8);
        return cuts.Select(cut => Of(splitFrozen with { Model = splitFrozen.Model with { Cut = cut } }, ("cut", Text(cut))));
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, double> Values(TrialResult result) => new Dictionary<string, double>
    {
        ["accuracy"] = result.After,
        ["loss"] = result.Loss,
        ["devices_gflop"] = result.Cost.DeviceFlops / 1e9,
        ["server_gflop"] = result.Cost.ServerFlops / 1e9,
        ["device_mb_up"] = result.Cost.MeanBytesUp / 1e6,
        ["device_mb_up_no_store"] = result.WithoutStore.MeanBytesUp / 1e6,
        ["device_peak_mb"] = result.Cost.PeakBytes / 1e6,
        ["wall_s"] = result.Cost.WallSeconds,
    };
}
