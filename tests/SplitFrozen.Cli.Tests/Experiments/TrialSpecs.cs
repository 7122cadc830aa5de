using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Experiments;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Tests.Experiments;

/// <summary>Cells of grids, trained with the bundled model.</summary>
public sealed class TrialSpecs
{
    private static readonly string[] Small =
    [
        "splitfrozen.nodes=[{ name = a }, { name = b }]", "splitfrozen.data.devices=2", "splitfrozen.data.limit=64", "splitfrozen.data.evaluation-limit=16",
        "splitfrozen.allocation.min=4", "splitfrozen.training.epochs=2", "splitfrozen.training.batch-size=16", "splitfrozen.training.micro-batch-size=8",
    ];

    [Theory(DisplayName = "A cell finds the accuracies and the loss of a run of the method on a cluster, to the last bit")]
    [InlineData("splitfrozen", "training.order=buffer:16")]
    [InlineData("splitfrozen", "channel.codec=int8")]
    [InlineData("fedlora", "training.order=plan")]
    [InlineData("splitlora", "splitlora.order=sequential")]
    public async Task Should_find_what_a_run_finds(string method, string setting)
    {
        var hocon = Load($"splitfrozen.training.method={method}", $"splitfrozen.{setting}");
        var settings = SettingsReader.Read(hocon);
        var trial = new Composition().RunTrial(settings);
        var summary = (await WholeRun.Of(new Composition().OpenTraining(settings), hocon)).Summary;

        Assert.Equal(
            (summary.AccuracyBefore, summary.AccuracyAfter, summary.ValidationAccuracy, summary.LossAfter), (trial.Before, trial.After, trial.Validation, trial.Loss));
        Assert.Equal(2, trial.Cost.Devices.Count);

        // Two epochs are sent where the server keeps nothing.
        Assert.Equal((method == TrainingMethods.SplitFrozen ? 2 : 1) * trial.Cost.MeanBytesUp, trial.WithoutStore.MeanBytesUp, 1.0);
    }

    [Fact]
    public void Should_run_a_grid()
    {
        using var folder = new TemporaryFolder();
        var hocon = Load();
        var settings = SettingsReader.Read(hocon);
        var grid = new ExperimentGrid(new CodecExperiment(new Composition()), Seeds: 2, _ => { }, CancellationToken.None);
        var kept = ExperimentFolder.Open(folder.At("codec"), SettingsReader.Render(hocon));

        Assert.True(grid.Run(settings, kept));

        var rows = grid.Rows(settings, kept);
        Assert.Equal([ActivationCodec.Fp32, ActivationCodec.Bf16, ActivationCodec.Int8, ActivationCodec.Int4], rows.Select(r => Enum.Parse<ActivationCodec>(r.Parameter("codec"), ignoreCase: true)));
        Assert.Equal(rows.OrderByDescending(r => r.Values["device_mb_up"]), rows);
        Assert.Equal(4, rows.Select(r => r.Values["device_mb_up"]).Distinct().Count());
        Assert.Equal(4, rows.Select(r => r.Values["loss"]).Distinct().Count());
        Assert.All(rows, r => Assert.True(r.Spreads["loss"] > 0));
    }

    private static Akka.Configuration.Config Load(params string[] settings) => SettingsReader.Load([BundledAssets.Configuration("local.conf")], [.. Small, .. settings]);
}
