using System.Text.Json.Nodes;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

namespace SplitFrozen.Methods.Tests;

/// <summary>The single-process loop, on the stand-in model.</summary>
public sealed class CenLoraRunSpecs : IDisposable, IRunObserver
{
    private const int Epochs = 3;
    private readonly List<RunEvent> _events = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("splitfrozen-cenlora-").FullName;
    private Action<RunEvent> _onEvent = _ => { };
    private int _runs;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    void IRunObserver.On(RunEvent e)
    {
        _events.Add(e);
        _onEvent(e);
    }

    [Fact(DisplayName = "It trains each sample once an epoch, learns, and tells of it in order")]
    public void Should_train()
    {
        var summary = Run(Training());

        Assert.True(summary.Completed);
        Assert.Equal((Epochs * 120L, Epochs * 120L, Epochs * 8), (summary.SamplesTrained, summary.SamplesExpected, summary.Steps));
        Assert.True(summary.AccuracyAfter > summary.AccuracyBefore);
        Assert.Equal(["before", "validation", "validation", "validation", "after"], _events.OfType<RunEvent.Evaluated>().Select(e => e.Name));
        Assert.IsType<RunEvent.Ended>(_events[^1]);
    }

    [Fact(DisplayName = "The same settings give the same losses and adapter, another seed others")]
    public void Should_be_deterministic()
    {
        var (first, again, other) = (Run(Training()), Run(Training()), Run(Training() with { Seed = 2 }));

        Assert.Equal((first.AdapterSha256, first.LossLast), (again.AdapterSha256, again.LossLast));
        Assert.NotEqual(first.AdapterSha256, other.AdapterSha256);
    }

    [Theory(DisplayName = "The size of micro-batches changes rounding only")]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    public void Should_not_depend_on_the_micro_batch_size(int size)
    {
        Run(Training());
        var expected = Losses();
        Run(Training() with { MicroBatchSize = size });

        Assert.Equal(expected.Count, Losses().Count);
        Assert.All(expected.Zip(Losses()), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Theory(DisplayName = "Where grants and units are cut leaves no trace")]
    [InlineData(1, 16)]
    [InlineData(4, 1000)]
    public void Should_not_depend_on_grants(int grantBatches, int unitTokens) =>
        Assert.Equal(Run(Training()).AdapterSha256, Run(Training(), new PipelineSettings(grantBatches, 2, unitTokens, 1, ScheduleKind.ZbH1, 0)).AdapterSha256);

    [Fact(DisplayName = "A stop keeps what was trained: checkpoint, adapter, and where to go on")]
    public void Should_stop_in_order()
    {
        using var stop = new CancellationTokenSource();
        _onEvent = e =>
        {
            if (e is RunEvent.StepDone { Step: 10 })
            {
                stop.Cancel();
            }
        };
        var summary = Run(Training(), stop: stop.Token);

        Assert.False(summary.Completed);
        Assert.Equal((11, null), (summary.Steps, summary.AccuracyAfter));
        var checkpoint = Assert.Single(Directory.GetDirectories(Path.Combine(_folder, "1", "checkpoint")));
        var state = JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint, "state.json")))!;
        Assert.Equal((11, 1, 3), (state["step"]!.GetValue<int>(), state["epoch"]!.GetValue<int>(), state["batch"]!.GetValue<int>()));
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(_folder, "1", "adapter", "adapter_model.safetensors")),
            File.ReadAllBytes(Path.Combine(checkpoint, "adapter", "adapter_model.safetensors")));
    }

    [Fact(DisplayName = "A stop before the first step leaves no adapter")]
    public void Should_leave_nothing_untrained()
    {
        var summary = Run(Training(), stop: new CancellationToken(canceled: true));

        Assert.Equal((false, 0, null), (summary.Completed, summary.Steps, summary.AdapterSha256));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_folder, "1")));
    }

    [Fact(DisplayName = "A stop after the last step is a run that was completed")]
    public void Should_complete_what_is_trained()
    {
        using var stop = new CancellationTokenSource();
        _onEvent = e =>
        {
            if (e is RunEvent.Evaluated { Name: "validation", Epoch: Epochs })
            {
                stop.Cancel();
            }
        };

        Assert.True(Run(Training(), stop: stop.Token).Completed);
    }

    [Fact(DisplayName = "A checkpoint is written every so many steps, and the last one stays")]
    public void Should_write_checkpoints()
    {
        Run(Training() with { CheckpointSteps = 5 });

        Assert.Equal([5, 10, 15, 20, 24], _events.OfType<RunEvent.CheckpointWritten>().Select(e => e.Step));
        Assert.EndsWith("step-00000024", Assert.Single(Directory.GetDirectories(Path.Combine(_folder, "1", "checkpoint"))), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A loss that is no number ends the run, with what was trained and what to do")]
    public void Should_not_train_on_nonsense()
    {
        var error = Assert.Throws<RunFailedException>(() => Run(Training() with { LearningRate = 1e200 }));

        Assert.Equal(RunFailure.Broken, error.Failure);
        Assert.Contains("splitfrozen.training.learning-rate", error.Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(Path.Combine(_folder, "1", "checkpoint")));
    }

    private List<double> Losses() => [.. _events.OfType<RunEvent.StepDone>().Select(e => e.Score.LossSum)];

    private RunSummary Run(TrainingSettings training, PipelineSettings? pipeline = null, CancellationToken stop = default)
    {
        _events.Clear();
        var data = new StandInData(train: 120, test: 40);
        var spread = Partitioner.Split(120, data.TrainLabels, new PartitionSpec(PartitionKind.Iid, 3, 1, 1, 0, 0, 1));
        var devices = spread.Devices.Select((rows, part) => (Id: SharedDevices.Id(part), Samples: data.Encode(DataSplit.Train, rows))).ToDictionary(d => d.Id, d => d.Samples);
        var test = data.Encode(DataSplit.Test, [.. Enumerable.Range(0, 40)]);
        var folder = Directory.CreateDirectory(Path.Combine(_folder, $"{++_runs}")).FullName;
        using var run = new CenLoraRun(
            Settings(training, pipeline ?? new PipelineSettings(2, 2, 48, 1, ScheduleKind.ZbH1, 0)), new StandInModel(layers: 4),
            new TrainerSpec(TaskKind.Classification, 4, 2, new LoraSpec(4, 8, 0, []), 0.01, 1, training.Seed), TaskKind.Classification, devices,
            new HeldOutSets("test", test, "test too", test), new RunPaths(folder), this);
        return run.Run(stop);
    }

    private static TrainingSettings Training() =>
        new(TrainingMethods.CenLora, 2, Epochs, 16, 8, 1e-2, 0.1, LearningRateDecay.Linear, 0.01, 1, 1, 1, 1000);

    private static Settings Settings(TrainingSettings training, PipelineSettings pipeline) =>
        new(null!, null!, null!, training, pipeline, null!, null!, null!, null!, null!, [], null!, null!, null!, null!);
}
