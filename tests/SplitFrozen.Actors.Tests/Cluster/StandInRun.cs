using System.Collections.Concurrent;

using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

using Partitioner = SplitFrozen.Domain.Sampling.Partitioner;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A run of the stand-in model in a temporary folder, on a real cluster over TCP or in a single-process loop.</summary>
internal sealed class StandInRun : IDisposable, IRunObserver
{
    private readonly ConcurrentQueue<RunEvent> _events = [];

    public StandInRun(params string[] overrides)
    {
        Akka = SettingsReader.Load([], [
            "splitfrozen.model.path=/", "splitfrozen.data.path=/", "splitfrozen.training.epochs=2", "splitfrozen.training.batch-size=16", "splitfrozen.training.micro-batch-size=8",
            "splitfrozen.pipeline.grant-batches=2", "splitfrozen.pipeline.unit-tokens=48", "splitfrozen.start.limit=30s",
            "splitfrozen.nodes=[{ name = strong, gigaflops = 1.0 }, { name = weak, gigaflops = 0.3 }]", "splitfrozen.data.devices=2", "splitfrozen.store.mode=off", "splitfrozen.control.port=off",
            "akka.cluster.gossip-interval=200ms", "akka.cluster.leader-actions-interval=200ms",
            .. overrides]);
        Settings = SettingsReader.Read(Akka);
        Paths = new RunPaths(Path.Combine(Path.GetTempPath(), "splitfrozen-tests", Path.GetRandomFileName()));
        Directory.CreateDirectory(Paths.Folder);
    }

    public Config Akka { get; }

    public Settings Settings { get; }

    public RunPaths Paths { get; }

    public IModelSource Model { get; init; } = new StandInModel(layers: 4);

    public IDataSource Data { get; init; } = new StandInData(train: 240, test: 40);

    public IReadOnlyList<RunEvent> Events => [.. _events];

    public IEnumerable<double> Losses => _events.OfType<RunEvent.StepDone>().Select(e => e.Score.LossSum);

    /// <summary>Told of each event, after it was noted.</summary>
    public Action<RunEvent> OnEvent { get; init; } = _ => { };

    public void On(RunEvent e)
    {
        _events.Enqueue(e);
        OnEvent(e);
    }

    public Task<RunSummary> OnClusterAsync(CancellationToken stop = default) => OnClusterAsync(null, stop);

    public Task<RunSummary> OnClusterAsync(Func<NodeProfile, Stream, Stream>? link, CancellationToken stop = default) =>
        LocalCluster.RunAsync(Server(stop), new DeviceData(Data, OwnFolder: false, Part: null), Akka, link: link);

    public ServerRun Server(CancellationToken stop = default)
    {
        var (run, trainer, sets) = Plan();
        return new ServerRun(Settings, Model, Data.Open(16, []), sets, run, trainer, Paths, this, stop);
    }

    public RunSummary InOneProcess()
    {
        var (run, trainer, sets) = Plan();
        var data = new DeviceData(Data, OwnFolder: false, Part: null);
        var devices = Enumerable.Range(0, run.Partition.Devices).ToDictionary(SharedDevices.Id, part => data.Load(SharedDevices.Id(part), run));
        using var loop = new CenLoraRun(Settings, Model, trainer, run.Task, devices, sets, Paths, this);
        return loop.Run(CancellationToken.None);
    }

    public byte[] AdapterBytes() => File.ReadAllBytes(Path.Combine(Paths.Adapter, "adapter_model.safetensors"));

    public void Dispose() => Directory.Delete(Paths.Folder, recursive: true);

    private (RunSpec Run, TrainerSpec Trainer, HeldOutSets Sets) Plan()
    {
        var set = Data.Open(16, []);
        var cut = Settings.Model.Cut ?? Model.Shape.Layers / 2;
        var partition = Settings.Data.Partition with { ValidationShare = 0.1 };
        var held = Partitioner.Split(set.Rows(DataSplit.Train), set.TrainLabels, partition).Validation;
        return (
            new RunSpec(
                "test", Model.Fingerprint, set.Task, [.. set.Labels], cut, 16, Settings.Pipeline.UnitTokens, Settings.Channel.Credits,
                Settings.Training.Threads, partition, (int)Settings.Device.HeartbeatInterval.TotalMilliseconds,
                Settings.Channel.Codec),
            new TrainerSpec(set.Task, set.Labels.Count, cut, Settings.Lora, 0.01, 1, Settings.Training.Seed),
            new HeldOutSets(
                "test", set.Encode(DataSplit.Test, [.. Enumerable.Range(0, set.Rows(DataSplit.Test))]), "a tenth of train", set.Encode(DataSplit.Train, held)));
    }
}
