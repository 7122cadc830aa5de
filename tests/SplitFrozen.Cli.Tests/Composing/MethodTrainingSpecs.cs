using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Tests.Composing;

/// <summary>Methods in which devices train, with the bundled model, on a real cluster.</summary>
public sealed class MethodTrainingSpecs
{
    private static readonly string[] Small =
    [
        "splitfrozen.nodes=[{ name = a }, { name = b }]", "splitfrozen.data.devices=2", "splitfrozen.data.limit=64", "splitfrozen.data.evaluation-limit=16", "splitfrozen.data.partition=iid",
        "splitfrozen.training.epochs=2", "splitfrozen.training.batch-size=16", "splitfrozen.training.micro-batch-size=8", "splitfrozen.lora.dropout=0.1",
    ];

    [Theory(DisplayName = "The cluster gives the losses and the adapter of one process, and sends what the cost model says and little more")]
    [InlineData("fedlora", "fedlora.variant=fedit")]
    [InlineData("fedlora", "fedlora.variant=fedex")]
    [InlineData("splitlora", "splitlora.order=parallel")]
    public async Task Should_give_the_losses_and_the_adapter_of_one_process(string method, string setting)
    {
        var hocon = SettingsReader.Load(
            [BundledAssets.Configuration("local.conf")], [.. Small, $"splitfrozen.training.method={method}", $"splitfrozen.{setting}", "splitfrozen.splitlora.average-every=2"]);
        var settings = SettingsReader.Read(hocon);
        var cluster = await WholeRun.Of(new Composition().OpenTraining(settings), hocon);
        var alone = await WholeRun.Of(new DeviceMethodTraining(RunInputs.Open(settings)), hocon);

        Assert.True(alone.Losses.Count >= 4);
        Assert.Equal(alone.Losses, cluster.Losses);
        Assert.Equal(alone.Summary.AdapterSha256, cluster.Summary.AdapterSha256);
        Assert.Equal((alone.Summary.AccuracyAfter, alone.Summary.LossAfter), (cluster.Summary.AccuracyAfter, cluster.Summary.LossAfter));
        Assert.Equal(2, cluster.Summary.Devices.Count);

        // A state has frames of a few dozen tensors; split training sends the optimiser's along; FedLoRA's first average need not be sent, FedEx-LoRA's residuals are.
        Assert.All(cluster.Summary.Devices, d => Assert.InRange(d.BytesSent / d.CostModelBytesSent!.Value, 1, method == TrainingMethods.FedLora ? 1.1 : 1.8));
        Assert.All(cluster.Summary.Devices, d => Assert.InRange(d.BytesReceived / d.CostModelBytesReceived!.Value, 0.5, setting.EndsWith("fedex", StringComparison.Ordinal) ? 2.1 : 1.1));
    }
}
