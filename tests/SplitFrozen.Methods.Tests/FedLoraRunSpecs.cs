using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

namespace SplitFrozen.Methods.Tests;

/// <summary>Federated LoRA, on the stand-in model.</summary>
public sealed class FedLoraRunSpecs : IDisposable
{
    private readonly MethodRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact(DisplayName = "It trains each sample once a round, learns, and tells of it in order")]
    public void Should_train()
    {
        var summary = _runs.Fed(_runs.Spread(3), FedLoraSettings.Default);

        Assert.True(summary.Completed);
        Assert.Equal((3 * 120L, 3 * 120L, 3 * 3 * 3), (summary.SamplesTrained, summary.SamplesExpected, summary.Steps));
        Assert.True(summary.AccuracyAfter > summary.AccuracyBefore);
        Assert.Equal(["before", "validation", "validation", "validation", "after"], _runs.Events.OfType<RunEvent.Evaluated>().Select(e => e.Name));
        Assert.IsType<RunEvent.Ended>(_runs.Events[^1]);
    }

    [Fact(DisplayName = "One device that keeps its optimiser is centralised training, bit for bit")]
    public void Should_be_cenlora_with_one_device()
    {
        var central = _runs.Cen(_runs.Spread(1));
        var losses = _runs.Losses;
        var federated = _runs.Fed(_runs.Spread(1), FedLoraSettings.Default with { KeepOptimizer = true });

        Assert.Equal(losses, _runs.Losses);
        Assert.Equal(central.AdapterSha256, federated.AdapterSha256);
    }

    [Fact(DisplayName = "Within a round the optimiser's state is centralised training's too")]
    public void Should_be_cenlora_within_a_round()
    {
        var central = _runs.Cen(_runs.Spread(1));

        Assert.Equal(central.AdapterSha256, _runs.Fed(_runs.Spread(1), FedLoraSettings.Default with { LocalEpochs = 3 }).AdapterSha256);
    }

    [Theory(DisplayName = "Devices with the same samples average to the single device")]
    [InlineData(FedLoraVariant.FedIt)]
    [InlineData(FedLoraVariant.Ffa)]
    public void Should_average_identical_devices_to_one(FedLoraVariant variant)
    {
        var fed = FedLoraSettings.Default with { Variant = variant };
        _runs.Fed(_runs.Same(1), fed);
        var one = ReadAdapter();
        _runs.Fed(_runs.Same(4), fed);

        Assert.All(one.Zip(ReadAdapter()), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Fact(DisplayName = "FFA-LoRA leaves A as it was drawn, and learns")]
    public void Should_freeze_a()
    {
        var summary = _runs.Fed(_runs.Spread(3), FedLoraSettings.Default with { Variant = FedLoraVariant.Ffa });
        var trained = Tensors();
        using var stage = new StandInModel(layers: MethodRuns.Layers).LoadTrainer(
            new Domain.Models.TrainerSpec(TaskKind.Classification, 4, 0, new Domain.Models.LoraSpec(4, 8, 0, []), 0.01, 0, 1));

        Assert.True(summary.AccuracyAfter > summary.AccuracyBefore);
        foreach (var drawn in stage.AdapterTensors())
        {
            var now = Values(trained[drawn.Name]);
            var isA = drawn.Name.EndsWith(".A", StringComparison.Ordinal);
            Assert.Equal(isA, Values(drawn.Bytes).Zip(now).All(pair => Math.Abs(pair.First - pair.Second) < 1e-12));
        }
    }

    [Fact(DisplayName = "Devices that fail add nothing, and a round in which all fail changes nothing")]
    public void Should_do_without_devices_that_fail()
    {
        var summary = _runs.Fed(_runs.Spread(3), FedLoraSettings.Default with { DropoutRate = 0.5, Rounds = 6 });
        var none = _runs.Fed(_runs.Spread(2), FedLoraSettings.Default with { DropoutRate = 0.999999, Rounds = 2 });

        Assert.InRange(summary.SamplesTrained, 1, (6 * 120) - 1);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        Assert.Equal((0, none.AccuracyBefore), (none.SamplesTrained, none.AccuracyAfter));
    }

    [Fact(DisplayName = "Drawn devices are the share that was asked for, others in other rounds")]
    public void Should_draw_devices()
    {
        var summary = _runs.Fed(_runs.Spread(6), FedLoraSettings.Default with { Participation = 0.5, Rounds = 4 });

        Assert.Equal(4 * 60L, summary.SamplesTrained);
        var training = MethodRuns.Training();
        var devices = _runs.Spread(6).OrderBy(d => d.Key).Select(d => new LocalData(d.Key, d.Value, LocalOrder.Of(training))).ToList();
        var rounds = new FedRounds<LocalData>(FedLoraSettings.Default with { Participation = 0.5 }, training, devices);
        Assert.All(Enumerable.Range(0, 10), round => Assert.Equal(3, rounds.Drawn(round).Count));
        Assert.Equal(6, Enumerable.Range(0, 10).SelectMany(rounds.Drawn).Distinct().Count());
    }

    [Fact(DisplayName = "With steps instead of passes each device makes so many, whatever it has")]
    public void Should_count_local_steps()
    {
        var summary = _runs.Fed(_runs.Spread(3, PartitionKind.Quantity), FedLoraSettings.Default with { LocalSteps = 2, Rounds = 5 });

        Assert.Equal(3 * 2 * 5, summary.Steps);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
    }

    [Fact(DisplayName = "A stop keeps the average of the last whole round")]
    public void Should_stop_in_order()
    {
        using var stop = new CancellationTokenSource();
        _runs.OnEvent = e =>
        {
            if (e is RunEvent.StepDone { Epoch: 1 })
            {
                stop.Cancel();
            }
        };
        var constant = MethodRuns.Training() with { Decay = LearningRateDecay.Constant, Warmup = 0 };
        var stopped = _runs.Fed(_runs.Spread(3), FedLoraSettings.Default, constant, stop.Token);
        _runs.OnEvent = _ => { };
        var one = _runs.Fed(_runs.Spread(3), FedLoraSettings.Default with { Rounds = 1 }, constant);

        Assert.Equal((false, null), (stopped.Completed, stopped.AccuracyAfter));
        Assert.NotNull(stopped.AdapterSha256);
        Assert.Equal(one.AdapterSha256, stopped.AdapterSha256);
    }

    [Fact(DisplayName = "A loss that is no number ends the run and says what to do")]
    public void Should_not_train_on_nonsense()
    {
        var error = Assert.Throws<RunFailedException>(() => _runs.Fed(_runs.Spread(2), FedLoraSettings.Default, MethodRuns.Training() with { LearningRate = 1e200 }));

        Assert.Contains("splitfrozen.training.learning-rate", error.Message, StringComparison.Ordinal);
    }

    private static double[] Values(ReadOnlyMemory<byte> bytes) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(bytes.Span).ToArray();

    private double[] ReadAdapter() => [.. Tensors().Values.SelectMany(bytes => Values(bytes))];

    private Dictionary<string, ReadOnlyMemory<byte>> Tensors() =>
        new StandInModel(layers: MethodRuns.Layers).ReadAdapter(Path.Combine(_runs.Folder, "adapter"), null!).ToDictionary(t => t.Name, t => t.Bytes);
}
