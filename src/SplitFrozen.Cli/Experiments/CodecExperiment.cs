using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What fewer bytes of activations cost.</summary>
internal sealed class CodecExperiment(IComposition composition) : TrainingExperiment(composition)
{
    /// <inheritdoc/>
    public override string Name => "codec";

    /// <inheritdoc/>
    public override string Description => "Accuracy and bytes of SplitFrozen over the codecs of the activation channel.";

    /// <inheritdoc/>
    public override string Note => "Training rows go through the codec at the frozen line, as from devices that hold all frozen blocks; the evaluation set, which the server runs itself, does not. Bytes of the whole run, activations kept by the server.";

    /// <inheritdoc/>
    public override void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        IReadOnlyList<string> codecs = [.. rows.Select(r => r.Parameter("codec"))];
        BarPlot.Save(
            Path.Combine(folder, "accuracy.png"), "Accuracy over the codec of activations", "accuracy on the evaluation split", codecs,
            [new BarSeries("splitfrozen", [.. rows.Select(r => r.Values["accuracy"])]) { Spreads = [.. rows.Select(r => r.Spreads.GetValueOrDefault("accuracy"))] }]);
        BarPlot.Save(
            Path.Combine(folder, "bytes.png"), "What a device sends over the codec of activations", "10⁶ bytes in a run", codecs,
            [new BarSeries("splitfrozen", [.. rows.Select(r => r.Values["device_mb_up"])])]);
    }

    /// <inheritdoc/>
    protected override IEnumerable<Variant> Variants(Settings settings) => Enum.GetValues<ActivationCodec>().Select(codec => Of(
        With(settings, TrainingMethods.SplitFrozen) with { Channel = settings.Channel with { Codec = codec } }, ("codec", codec.ToString().ToLowerInvariant())));

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, double> Values(TrialResult result) => new Dictionary<string, double>
    {
        ["accuracy"] = result.After,
        ["validation"] = result.Validation,
        ["loss"] = result.Loss,
        ["device_mb_up"] = result.Cost.MeanBytesUp / 1e6,
        ["wall_s"] = result.Cost.WallSeconds,
    };
}
