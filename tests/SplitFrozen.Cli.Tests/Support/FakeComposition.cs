using Akka.Configuration;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Experiments;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods.Accounting;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Tests.Support;

/// <summary>A composition whose runs do what a test says.</summary>
internal sealed class FakeComposition : IComposition, ITrainingRun
{
    /// <summary>What opening a run does; by default nothing.</summary>
    public Action<Settings> OnOpen { get; set; } = _ => { };

    /// <summary>What a run does; by default it reports a whole run and completes.</summary>
    public Func<RunHost, Task<RunSummary>> OnRun { get; set; } = host =>
    {
        var summary = Examples.Summary();
        Examples.Run(summary).ToList().ForEach(host.Observer.On);
        return Task.FromResult(summary);
    };

    /// <summary>What a device node does; by default it ends at once.</summary>
    public Func<Config, CancellationToken, Task> OnDevice { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Whether a device node was told to leave.</summary>
    public bool IsDrained { get; set; }

    /// <summary>What loading the native library does; by default nothing.</summary>
    public Action OnProbe { get; set; } = () => { };

    /// <summary>Settings that were opened last.</summary>
    public Settings? Opened { get; private set; }

    /// <summary>Whether the last run was opened as a server's.</summary>
    public bool IsServer { get; private set; }

    /// <summary>Whether the last node was one that holds trainer stages.</summary>
    public bool HoldsStages { get; private set; }

    public PartitionRecord Partition => Examples.Partition;

    /// <summary>What runs are made from.</summary>
    public RunIdentity Identity { get; set; } = new("model-a", "evaluation-a", "validation-a", "ab12");

    public ITrainingRun OpenTraining(Settings settings) => Open(settings, isServer: false);

    public ITrainingRun OpenServer(Settings settings) => Open(settings, isServer: true);

    public Task<RunSummary> RunAsync(RunHost host) => OnRun(host);

    public async Task<bool> RunDeviceAsync(Settings settings, Config akka, CancellationToken stop)
    {
        Opened = settings;
        await OnDevice(akka, stop);
        return IsDrained;
    }

    public Task RunStagesAsync(Settings settings, Config akka, CancellationToken stop)
    {
        Opened = settings;
        HoldsStages = true;
        return Task.CompletedTask;
    }

    public string ProbeNativeLibrary()
    {
        OnProbe();
        return "torch 1";
    }

    public string DescribeTensorMemory() => "pooled";

    public string DescribeModel(Settings settings) => "a model of 8 layers";

    public string DescribeData(Settings settings) => "77 labels";

    /// <summary>The model that simulations see.</summary>
    public ModelShape Shape { get; set; } = new(ModelFamily.Gpt2, 8, 128, 4, 4, 32, 512, 8192, 512, true, 4);

    public ModelShape ReadShape(Settings settings)
    {
        Opened = settings;
        return Shape;
    }

    /// <summary>Ten samples of 20 tokens a device.</summary>
    public FleetData MeasureFleet(Settings settings) => new(
        ReadShape(settings), new TrainerSpec(TaskKind.Classification, 2, settings.Model.Cut ?? 4, settings.Lora, 0, 0, 1),
        [.. Enumerable.Range(0, settings.Data.Partition.Devices).Select(_ => Enumerable.Repeat(20, 10).ToArray())]);

    /// <summary>What trials find.</summary>
    public Func<Settings, TrialResult> OnTrial { get; set; } = _ => throw new InvalidOperationException("No trial was asked for.");

    public TrialResult RunTrial(Settings settings) => OnTrial(settings);

    public (MethodCost Cost, MethodCost WithoutStore) ComputeCosts(Settings settings)
    {
        var result = OnTrial(settings);
        return (result.Cost, result.WithoutStore);
    }

    public AdapterScore Score(Settings settings, string adapterFolder)
    {
        Opened = settings;
        return Scored;
    }

    /// <summary>What scoring an adapter gives.</summary>
    public AdapterScore Scored { get; set; } = new("test", new TargetScore(75, 100, 80), "none", null);

    /// <summary>What answering questions gives.</summary>
    public ExactMatchScore? Answered { get; set; }

    /// <summary>How often questions were answered.</summary>
    public int Answerings { get; private set; }

    /// <summary>The generator that is opened.</summary>
    public FakeGenerator Generator { get; } = new();

    /// <summary>Model, adapter and threads of the generator that was opened last.</summary>
    public (string Model, string? Adapter, string Compute, int Threads) Generating { get; private set; }

    /// <summary>The base model that adapters name.</summary>
    public string? BaseModel { get; set; }

    /// <summary>Label names of a run's data; throwing says that the data is gone.</summary>
    public Func<IReadOnlyList<string>> Labels { get; set; } = () => ["no", "yes"];

    /// <summary>What was merged last.</summary>
    public (string Model, string Adapter, IReadOnlyList<string> Labels, string Output) Merged { get; private set; }

    public ExactMatchScore? ScoreAnswers(Settings settings, string adapterFolder, Action<string> say, CancellationToken stop)
    {
        Opened = settings;
        Answerings++;
        return Answered;
    }

    public ITextGenerator OpenGenerator(string model, string? adapter, string compute, int threads)
    {
        Generating = (model, adapter, compute, threads);
        return Generator;
    }

    public string? BaseModelOf(string adapter) => BaseModel;

    public IReadOnlyList<string> LabelsOf(Settings settings) => Labels();

    public void Merge(string model, string adapter, IReadOnlyList<string> labels, string output) => Merged = (model, adapter, labels, output);

    private FakeComposition Open(Settings settings, bool isServer)
    {
        OnOpen(settings);
        (Opened, IsServer) = (settings, isServer);
        return this;
    }
}
