using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;

using Partitioner = SplitFrozen.Domain.Sampling.Partitioner;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>The run of a test cluster: its configuration, what all nodes agree on, and the same run without a cluster.</summary>
internal sealed class TestSetup
{
    private const int MaxLength = 16;

    private readonly TestClusterOptions _options;
    private readonly RunSpec _spec;
    private readonly TrainerSpec _trainer;
    private readonly HeldOutSets _sets;
    private readonly Dictionary<DeviceId, IReadOnlyList<int>> _labels;

    public TestSetup(TestClusterOptions options)
    {
        _options = options;
        Akka = SettingsReader.Load([], [
            "splitfrozen.model.path=/", "splitfrozen.data.path=/", "splitfrozen.training.epochs=2", "splitfrozen.training.batch-size=16", "splitfrozen.training.micro-batch-size=8",
            "splitfrozen.training.checkpoint-steps=2", "splitfrozen.pipeline.grant-batches=1", "splitfrozen.pipeline.window=2", "splitfrozen.pipeline.unit-tokens=24",
            "splitfrozen.start.limit=30s", "splitfrozen.store.mode=off", "splitfrozen.device.heartbeat-interval=50ms", $"splitfrozen.data.devices={options.Devices}",
            "akka.coordinated-shutdown.run-by-actor-system-terminate=off",
            .. options.Settings]);
        Settings = SettingsReader.Read(Akka);
        var set = options.Data.Open(MaxLength, []);
        var cut = Settings.Model.Cut ?? options.Model.Shape.Layers / 2;
        var partition = Settings.Data.Partition with { ValidationShare = 0.1 };
        var (parts, held) = Partitioner.Split(set.Rows(DataSplit.Train), set.TrainLabels, partition);
        _labels = parts.Select((rows, part) => (Part: part, Rows: rows))
            .ToDictionary(p => SharedDevices.Id(p.Part), p => (IReadOnlyList<int>)[.. p.Rows.Select(r => set.TrainLabels[r])]);
        _spec = new RunSpec(
            "test", options.Model.Fingerprint, set.Task, [.. set.Labels], cut, MaxLength, Settings.Pipeline.UnitTokens, Settings.Channel.Credits, Settings.Training.Threads,
            partition, (int)Settings.Device.HeartbeatInterval.TotalMilliseconds, Settings.Channel.Codec);
        _trainer = new TrainerSpec(set.Task, set.Labels.Count, cut, Settings.Lora, 0.01, 1, Settings.Training.Seed);
        _sets = new HeldOutSets(
            "test", set.Encode(DataSplit.Test, [.. Enumerable.Range(0, set.Rows(DataSplit.Test))]), "a tenth of train", set.Encode(DataSplit.Train, held));
    }

    public Config Akka { get; }

    public Settings Settings { get; }

    public DeviceData DeviceData => new(_options.Data, OwnFolder: false, Part: null);

    public ServerRun Server(IModelSource model, RunPaths paths, IRunObserver observer, bool resumes) =>
        new(Settings, model, _options.Data.Open(MaxLength, []), _sets, _spec, _trainer, paths, observer, CancellationToken.None)
        {
            Resumes = resumes,
            DeviceLabels = _labels,
            Replay = _options.Replay is { } recorded ? RecordedOrder.Of("the other run's ledger", new LedgerReading(recorded.Ledger, 0, null, IsTail: true)) : null,
        };

    /// <summary>The run in a single-process loop, which no fault can reach: losses by step, and the adapter.</summary>
    public Reference InOneProcess()
    {
        var folder = Directory.CreateTempSubdirectory("splitfrozen-reference");
        try
        {
            var record = new RunRecord(_ => { });
            var devices = Enumerable.Range(0, _options.Devices).ToDictionary(SharedDevices.Id, part => DeviceData.Load(SharedDevices.Id(part), _spec));
            using var loop = new CenLoraRun(Settings, _options.Model, _trainer, _spec.Task, devices, _sets, new RunPaths(folder.FullName), record);
            var summary = loop.Run(CancellationToken.None);
            return new Reference(record.LossByStep, summary.AdapterSha256);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>What a run without faults comes to.</summary>
/// <param name="LossByStep">Loss of each optimiser step.</param>
/// <param name="AdapterSha256">Hash of the adapter's bytes.</param>
internal sealed record Reference(IReadOnlyDictionary<int, double> LossByStep, string? AdapterSha256);
