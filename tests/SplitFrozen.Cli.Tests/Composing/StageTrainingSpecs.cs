using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;

namespace SplitFrozen.Cli.Tests.Composing;

/// <summary>Trainer stages with the bundled model, on a real cluster.</summary>
public sealed class StageTrainingSpecs
{
    private static readonly string[] Small =
    [
        "splitfrozen.nodes=[{ name = a }, { name = b }]", "splitfrozen.data.devices=2", "splitfrozen.data.limit=64", "splitfrozen.data.evaluation-limit=16",
        "splitfrozen.training.epochs=1", "splitfrozen.training.batch-size=24", "splitfrozen.training.micro-batch-size=8", "splitfrozen.lora.dropout=0.1",
    ];

    [Fact]
    public async Task Should_give_the_losses_and_the_adapter_of_one_stage()
    {
        var one = await TrainAsync("splitfrozen.pipeline.stages=1");
        var three = await TrainAsync("splitfrozen.pipeline.stages=3");

        Assert.True(one.Losses.Count >= 2);
        Assert.Equal(one.Losses, three.Losses);
        Assert.Equal(one.Summary.AdapterSha256, three.Summary.AdapterSha256);
        Assert.Equal(one.Summary.AccuracyAfter, three.Summary.AccuracyAfter);
        Assert.Equal(one.Summary.LossAfter, three.Summary.LossAfter);
    }

    [Fact]
    public void Should_refuse_more_stages_than_blocks()
    {
        var error = Assert.Throws<UserErrorException>(() => new Composition().OpenTraining(SettingsReader.Read(Load("splitfrozen.pipeline.stages=99"))));
        Assert.Contains("splitfrozen.pipeline.stages = 99", error.Message, StringComparison.Ordinal);
    }

    private static Task<WholeRun> TrainAsync(string setting)
    {
        var hocon = Load(setting);
        return WholeRun.Of(new Composition().OpenTraining(SettingsReader.Read(hocon)), hocon);
    }

    private static Akka.Configuration.Config Load(string setting) =>
        SettingsReader.Load([BundledAssets.Configuration("local.conf")], [.. Small, setting]);
}
