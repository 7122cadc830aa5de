using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods.Tests;

/// <summary>Split LoRA, on the stand-in model.</summary>
public sealed class SplitLoraRunSpecs : IDisposable
{
    private readonly MethodRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory(DisplayName = "It trains each sample once an epoch, learns, and tells of it in order")]
    [InlineData(SplitLoraOrder.Sequential, 9)]
    [InlineData(SplitLoraOrder.Parallel, 3)]
    public void Should_train(SplitLoraOrder order, int stepsPerEpoch)
    {
        var summary = _runs.Split(_runs.Spread(3), new SplitLoraSettings(2, 2, order));

        Assert.True(summary.Completed);
        Assert.Equal((3 * 120L, 3 * 120L, 3 * stepsPerEpoch), (summary.SamplesTrained, summary.SamplesExpected, summary.Steps));
        Assert.True(summary.AccuracyAfter > summary.AccuracyBefore);
        Assert.Equal(["before", "validation", "validation", "validation", "after"], _runs.Events.OfType<RunEvent.Evaluated>().Select(e => e.Name));
    }

    [Theory(DisplayName = "One device whose adapter is averaged every round is centralised training, bit for bit")]
    [InlineData(SplitLoraOrder.Sequential, 1)]
    [InlineData(SplitLoraOrder.Sequential, 3)]
    [InlineData(SplitLoraOrder.Parallel, 2)]
    public void Should_be_cenlora_with_one_device(SplitLoraOrder order, int blocks)
    {
        var central = _runs.Cen(_runs.Spread(1));
        var losses = _runs.Losses;
        var split = _runs.Split(_runs.Spread(1), new SplitLoraSettings(blocks, 1, order));

        Assert.Equal(losses, _runs.Losses);
        Assert.Equal(central.AdapterSha256, split.AdapterSha256);
    }

    [Fact(DisplayName = "How often adapters are averaged matters")]
    public void Should_average_every_so_many_rounds() => Assert.NotEqual(
        _runs.Split(_runs.Spread(3), new SplitLoraSettings(2, 1, SplitLoraOrder.Sequential)).AdapterSha256,
        _runs.Split(_runs.Spread(3), new SplitLoraSettings(2, 3, SplitLoraOrder.Sequential)).AdapterSha256);

    [Fact(DisplayName = "Devices that have few samples sit out the rounds that are left")]
    public void Should_train_unequal_devices()
    {
        var summary = _runs.Split(_runs.Spread(3, PartitionKind.Dirichlet), new SplitLoraSettings(null, 4, SplitLoraOrder.Parallel));

        Assert.Equal((3 * 120L, true), (summary.SamplesTrained, summary.Completed));
    }

    [Fact(DisplayName = "A stop keeps what was trained")]
    public void Should_stop_in_order()
    {
        using var stop = new CancellationTokenSource();
        _runs.OnEvent = e =>
        {
            if (e is RunEvent.StepDone { Step: 3 })
            {
                stop.Cancel();
            }
        };
        var summary = _runs.Split(_runs.Spread(3), SplitLoraSettings.Default, stop: stop.Token);

        Assert.Equal((false, 6), (summary.Completed, summary.Steps));
        Assert.NotNull(summary.AdapterSha256);
    }

    [Fact(DisplayName = "A cut that leaves one side nothing is refused with the key")]
    public void Should_refuse_a_bad_cut()
    {
        var error = Assert.Throws<UserErrorException>(() => _runs.Split(_runs.Spread(2), new SplitLoraSettings(4, 1, SplitLoraOrder.Sequential)));

        Assert.Contains("splitfrozen.splitlora.blocks = 4", error.Message, StringComparison.Ordinal);
    }
}
