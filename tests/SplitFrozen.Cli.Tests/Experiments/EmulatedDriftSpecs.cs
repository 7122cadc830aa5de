using SplitFrozen.Cli.Experiments;

namespace SplitFrozen.Cli.Tests.Experiments;

/// <summary>A short emulated run of what <c>experiment reallocation</c> measures.</summary>
public sealed class EmulatedDriftSpecs
{
    [Fact(DisplayName = "Devices begin at their own rates, layers that are dealt out once stay, and each sample is trained once")]
    public async Task Should_train_each_sample_once()
    {
        var outcome = await EmulatedDrift.RunAsync(DriftTraces.InTurn, isDynamic: false, samples: 160);

        Assert.Equal(0, outcome.LayerChanges);
        Assert.Equal((4, 6), (outcome.Summary.Devices.Min(d => d.Layers), outcome.Summary.Devices.Max(d => d.Layers)));
        Assert.All(outcome.Epochs, epoch => Assert.True(epoch.IsExact));
        Assert.Equal((160 / 16) - 1, outcome.StepSeconds.Count);
        Assert.True(outcome.Seconds >= outcome.StepSeconds.Sum());
    }
}
