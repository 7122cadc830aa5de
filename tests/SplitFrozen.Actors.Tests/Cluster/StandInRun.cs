using System.Collections.Concurrent;

using Akka.Configuration;

using SplitFrozen.Actors.Baselines;
using SplitFrozen.Actors.Configuration;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

using Xunit;

using Partitioner = SplitFrozen.Domain.Sampling.Partitioner;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A run of the stand-in model in a temporary folder, on a real cluster over TCP or in a single-process loop.</summary>
internal sealed class StandInRun : IDisposable, IRunObserver
{
    /// <summary>A run takes seconds; one that takes so long, on whatever machine, has come to a standstill.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly ConcurrentQueue<RunEvent> _events = [];

    private readonly string[] _overrides;
    private bool _resumes;
    private bool _isHandedOn;
    private int? _cutOffAt;
    private (int Step, CancellationTokenSource Stop)? _stopAt;

    public StandInRun(params string[] overrides) : this(new RunPaths(Path.Combine(Path.GetTempPath(), "splitfrozen-tests", Path.GetRandomFileName())), overrides)
    {
    }

    private StandInRun(RunPaths paths, string[] overrides)
    {
        (Paths, _overrides) = (paths, overrides);
        Akka = SettingsReader.Load([], [
            "splitfrozen.model.path=/", "splitfrozen.data.path=/", "splitfrozen.training.epochs=2", "splitfrozen.training.batch-size=16", "splitfrozen.training.micro-batch-size=8",
            "splitfrozen.pipeline.grant-batches=2", "splitfrozen.pipeline.unit-tokens=48", "splitfrozen.start.limit=30s",
            "splitfrozen.nodes=[{ name = strong, gigaflops = 1.0 }, { name = weak, gigaflops = 0.3 }]", "splitfrozen.data.devices=2", "splitfrozen.store.mode=off", "splitfrozen.control.port=off",
            "akka.cluster.gossip-interval=200ms", "akka.cluster.leader-actions-interval=200ms",
            .. overrides]);
        Settings = SettingsReader.Read(Akka);
        Directory.CreateDirectory(Paths.Folder);
    }

    public Config Akka { get; }

    public Settings Settings { get; }

    public RunPaths Paths { get; }

    public IModelSource Model { get; init; } = new StandInModel(layers: 4);

    public IDataSource Data { get; init; } = new StandInData(train: 240, test: 40);

    public IReadOnlyList<RunEvent> Events => [.. _events];

    public IEnumerable<double> Losses => _events.OfType<RunEvent.StepDone>().Select(e => e.Score.LossSum);

    /// <summary>Gets every operation, or null.</summary>
    public RunTrace? Trace { get; init; }

    /// <summary>Told of each event, after it was noted.</summary>
    public Action<RunEvent> OnEvent { get; init; } = _ => { };

    public void On(RunEvent e)
    {
        _events.Enqueue(e);
        OnEvent(e);
        if (e is RunEvent.StepDone done && done.Step == _cutOffAt)
        {
            throw new CutOffException();
        }

        if (e is RunEvent.StepDone { Step: var step } && step == _stopAt?.Step)
        {
            _stopAt?.Stop.Cancel();
        }
    }

    public Task<RunSummary> OnClusterAsync(CancellationToken stop = default) => OnClusterAsync(null, stop);

    public Task<RunSummary> OnClusterAsync(Func<NodeProfile, Stream, Stream>? link, CancellationToken stop = default) =>
        LocalCluster.RunAsync(Server(stop), new DeviceData(Data, OwnFolder: false, Part: null), Akka, link: link).WaitAsync(Limit, CancellationToken.None);

    public ServerRun Server(CancellationToken stop = default)
    {
        var (run, trainer, sets) = Plan();
        return new ServerRun(Settings, Model, Data.Open(16, []), sets, run with { Trace = Trace is not null }, trainer, Paths, this, stop)
        {
            Resumes = _resumes,
            Trace = Trace,
            Replay = Settings.Training.Replay is { } recorded ? RecordedOrder.Read(new RunPaths(recorded).Ledger) : null,
            DeviceLabels = DeviceLabels(),
        };
    }

    /// <summary>The same run in the same folder, to be resumed; the folder goes with the last of them.</summary>
    public StandInRun Again(params string[] more)
    {
        _isHandedOn = true;
        return new StandInRun(Paths, [.. _overrides, .. more]) { _resumes = true, Model = Model, Data = Data };
    }

    /// <summary>Trains on a cluster whose server breaks down right after a step: nothing is written any more, and the last line of the ledger is half written.</summary>
    public async Task CutOffAsync(int step)
    {
        _cutOffAt = step;
        await Assert.ThrowsAsync<CutOffException>(() => OnClusterAsync());
        File.AppendAllText(Paths.Ledger, "0123abcd {\"step\":");
    }

    /// <summary>Trains on a cluster, and asks for a stop after a step.</summary>
    /// <returns>The losses of the steps made.</returns>
    public async Task<IReadOnlyList<double>> StopAfterAsync(int step)
    {
        using var stop = new CancellationTokenSource();
        _stopAt = (step, stop);
        Assert.False((await OnClusterAsync(stop.Token)).Completed);
        return [.. Losses];
    }

    public RunSummary InOneProcess()
    {
        var (run, trainer, sets) = Plan();
        var data = new DeviceData(Data, OwnFolder: false, Part: null);
        var devices = Enumerable.Range(0, run.Partition.Devices).ToDictionary(SharedDevices.Id, part => data.Load(SharedDevices.Id(part), run));
        if (run.Method is not null)
        {
            return InOneProcess(new MethodInputs(Settings, Model, trainer, run.Task, devices, sets, Paths, this));
        }

        using var loop = new CenLoraRun(Settings, Model, trainer, run.Task, devices, sets, Paths, this);
        return loop.Run(CancellationToken.None);
    }

    private static RunSummary InOneProcess(MethodInputs inputs)
    {
        if (inputs.Settings.Training.Method == TrainingMethods.FedLora)
        {
            using var federated = new FedLoraRun(inputs);
            return federated.Run(CancellationToken.None);
        }

        using var split = new SplitLoraRun(inputs);
        return split.Run(CancellationToken.None);
    }

    public byte[] AdapterBytes() => File.ReadAllBytes(Path.Combine(Paths.Adapter, "adapter_model.safetensors"));

    public void Dispose()
    {
        if (!_isHandedOn)
        {
            Directory.Delete(Paths.Folder, recursive: true);
        }
    }

    private Dictionary<DeviceId, IReadOnlyList<int>> DeviceLabels()
    {
        var set = Data.Open(16, []);
        return Partitioner.Split(set.Rows(DataSplit.Train), set.TrainLabels, Settings.Data.Partition with { ValidationShare = 0.1 }).Devices
            .Select((rows, part) => (Part: part, Rows: rows)).ToDictionary(p => SharedDevices.Id(p.Part), p => (IReadOnlyList<int>)[.. p.Rows.Select(r => set.TrainLabels[r])]);
    }

    private (RunSpec Run, TrainerSpec Trainer, HeldOutSets Sets) Plan()
    {
        var set = Data.Open(16, []);
        var cut = TrainingMethods.HasTrainingDevices(Settings.Training.Method) ? 0 : Settings.Model.Cut ?? Model.Shape.Layers / 2;
        var trainer = new TrainerSpec(set.Task, set.Labels.Count, cut, Settings.Lora, 0.01, 1, Settings.Training.Seed);
        var partition = Settings.Data.Partition with { ValidationShare = 0.1 };
        var held = Partitioner.Split(set.Rows(DataSplit.Train), set.TrainLabels, partition).Validation;
        return (
            new RunSpec(
                "test", Model.Fingerprint, set.Task, [.. set.Labels], cut, 16, Settings.Pipeline.UnitTokens, Settings.Channel.Credits,
                Settings.Training.Threads, partition, (int)Settings.Device.HeartbeatInterval.TotalMilliseconds,
                Settings.Channel.Codec)
            {
                Method = BaselineSpec.Of(Settings, Model, trainer),
            },
            trainer,
            new HeldOutSets(
                "test", set.Encode(DataSplit.Test, [.. Enumerable.Range(0, set.Rows(DataSplit.Test))]), "a tenth of train", set.Encode(DataSplit.Train, held)));
    }

    /// <summary>Stands for the end of the server's process.</summary>
    public sealed class CutOffException : Exception;
}
