using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

namespace SplitFrozen.Methods.Tests;

/// <summary>Runs of methods on the stand-in model, with what they told.</summary>
internal sealed class MethodRuns : IDisposable, IRunObserver
{
    public const int Layers = 4;
    private readonly string _folder = Directory.CreateTempSubdirectory("splitfrozen-methods-").FullName;
    private readonly StandInData _data = new(train: 120, test: 40);
    private int _runs;

    /// <summary>Events of the last run.</summary>
    public List<RunEvent> Events { get; } = [];

    /// <summary>Called at each event.</summary>
    public Action<RunEvent> OnEvent { get; set; } = _ => { };

    /// <summary>Losses of the last run's steps.</summary>
    public List<double> Losses => [.. Events.OfType<RunEvent.StepDone>().Select(e => e.Score.LossSum)];

    /// <summary>Folder of the last run.</summary>
    public string Folder => Path.Combine(_folder, $"{_runs}");

    public void On(RunEvent e)
    {
        Events.Add(e);
        OnEvent(e);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The training rows, spread over so many devices.</summary>
    public Dictionary<DeviceId, IReadOnlyList<EncodedSample>> Spread(int devices, PartitionKind kind = PartitionKind.Iid) =>
        Partitioner.Split(120, _data.TrainLabels, new PartitionSpec(kind, devices, 0.3, 2, 0, 0, 1)).Devices
            .Select((rows, part) => (Id: SharedDevices.Id(part), Samples: _data.Encode(DataSplit.Train, rows))).ToDictionary(d => d.Id, d => d.Samples);

    /// <summary>So many devices that all have the same samples.</summary>
    public Dictionary<DeviceId, IReadOnlyList<EncodedSample>> Same(int devices)
    {
        var samples = _data.Encode(DataSplit.Train, [.. Enumerable.Range(0, 50)]);
        return Enumerable.Range(0, devices).ToDictionary(SharedDevices.Id, _ => samples);
    }

    public RunSummary Fed(IReadOnlyDictionary<DeviceId, IReadOnlyList<EncodedSample>> devices, FedLoraSettings fed, TrainingSettings? training = null, CancellationToken stop = default)
    {
        using var run = new FedLoraRun(Inputs(devices, Settings(training ?? Training()) with { FedLora = fed }));
        return run.Run(stop);
    }

    public RunSummary Split(IReadOnlyDictionary<DeviceId, IReadOnlyList<EncodedSample>> devices, SplitLoraSettings split, TrainingSettings? training = null, CancellationToken stop = default)
    {
        using var run = new SplitLoraRun(Inputs(devices, Settings(training ?? Training()) with { SplitLora = split }));
        return run.Run(stop);
    }

    public RunSummary Cen(IReadOnlyDictionary<DeviceId, IReadOnlyList<EncodedSample>> devices, TrainingSettings? training = null)
    {
        var inputs = Inputs(devices, Settings(training ?? Training()));
        using var run = new CenLoraRun(inputs.Settings, inputs.Model, inputs.Trainer, inputs.Task, inputs.Devices, inputs.Sets, inputs.Paths, this);
        return run.Run(CancellationToken.None);
    }

    public static TrainingSettings Training() =>
        new(TrainingMethods.FedLora, null, 3, 16, 8, 1e-2, 0.1, LearningRateDecay.Linear, 0.01, 0, 1, 1, 1000);

    private MethodInputs Inputs(IReadOnlyDictionary<DeviceId, IReadOnlyList<EncodedSample>> devices, Settings settings)
    {
        Events.Clear();
        var test = _data.Encode(DataSplit.Test, [.. Enumerable.Range(0, 40)]);
        var folder = Directory.CreateDirectory(Path.Combine(_folder, $"{++_runs}")).FullName;
        var trainer = new TrainerSpec(
            TaskKind.Classification, 4, 0, new LoraSpec(4, 8, 0, []), settings.Training.WeightDecay, settings.Training.ClipNorm, settings.Training.Seed);
        return new MethodInputs(
            settings, new StandInModel(layers: Layers), trainer, TaskKind.Classification, devices, new HeldOutSets("test", test, "test too", test),
            new RunPaths(folder), this);
    }

    private static Settings Settings(TrainingSettings training) =>
        new(new ModelSettings("", 2, "cpu"), null!, new LoraSpec(4, 8, 0, []), training, new PipelineSettings(2, 2, 48, 1, ScheduleKind.ZbH1, 0), null!, null!, null!, null!, null!, [], null!, null!, null!, null!);
}
