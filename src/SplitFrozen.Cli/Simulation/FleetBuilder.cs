using SplitFrozen.Actors.Allocation;
using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Allocation;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Simulation;

/// <summary>Makes a fleet of what was asked for: made up, from a file of profiles, from a configuration, or from a finished run.</summary>
internal static class FleetBuilder
{
    private const double DefaultServerFlops = 1e13;
    private const double DefaultStepSeconds = 1e-3;
    private static readonly Distribution Endless = Distribution.Constant(double.PositiveInfinity);
    private static readonly Distribution None = Distribution.Constant(0);

    /// <summary>The fleet of a request.</summary>
    /// <exception cref="UserErrorException">Something asked for is not to be had, or does not fit.</exception>
    public static FleetSpec Build(SimulateRequest request, IComposition composition)
    {
        var settings = SettingsReader.Read(request.Configuration);
        if (settings.Training.Method != TrainingMethods.SplitFrozen)
        {
            throw new UserErrorException(
                $"simulate plays method {TrainingMethods.SplitFrozen}, and splitfrozen.training.method = {settings.Training.Method}. Set it to {TrainingMethods.SplitFrozen}; `experiment pipeline` and `experiment costs` compute the times of other methods.");
        }

        return request.Run is { } run ? Configured(Measured(request, run, composition), settings, composition.MeasureFleet(settings))
            : request.NamesConfiguration ? Configured(request, settings, composition.MeasureFleet(settings)) : MadeUp(request, settings);
    }

    /// <summary>A request like a run's, with the speed that the run's server had: by the run's own settings, which the request may change.</summary>
    private static SimulateRequest Measured(SimulateRequest request, RunRecord run, IComposition composition)
    {
        var asked = request.Server;
        return request with
        {
            Server = asked with
            {
                FlopsPerSecond = asked.FlopsPerSecond ?? TrainerFlops(run, composition.MeasureFleet(run.Settings)),
                StepSeconds = asked.StepSeconds ?? (run.Summary.StageSeconds.Step / Math.Max(1, run.Summary.Steps)),
            },
        };
    }

    private static FleetSpec MadeUp(SimulateRequest request, Settings settings)
    {
        var shape = KnownShapes.Find(request.Shape);
        var cut = settings.Model.Cut ?? shape.Layers / 2;
        if (cut >= shape.Layers)
        {
            throw new UserErrorException($"--cut = {cut} leaves nothing to train: {request.Shape} has {shape.Layers} layers, so 1 to {shape.Layers - 1} are allowed.");
        }

        var from = new ProfileDistributions(
            request.GigaFlops, request.Link ?? Distribution.Parse("--link", "lognormal:40:0.7"), request.Latency ?? Distribution.Parse("--latency", "uniform:5:60"),
            request.Memory, request.Samples, request.Length);
        var seed = settings.Training.Seed;
        var (nodes, shares) = request.Fleet is { } file ? FleetFile.Read(file) : (FleetDraw.Nodes(request.Devices, from, seed), null);
        var batchSize = request.BatchSize ?? Math.Max(32, nodes.Count);
        var training = settings.Training with
        {
            BatchSize = batchSize,
            MicroBatchSize = Math.Min(settings.Training.MicroBatchSize, batchSize),
            Epochs = request.Epochs ?? 1,
        };
        var devices = FleetDraw.Devices(nodes, (long)request.Batches * batchSize, from, settings.Data.MaxLength, seed, shares);
        return Spec(request, settings, nodes, devices, training, shape, Trainer(settings, cut));
    }

    private static FleetSpec Configured(SimulateRequest request, Settings settings, FleetData data)
    {
        var nodes = settings.Nodes.Select((profile, i) => Node(profile, i, request, settings.Training.Seed)).ToList();
        if (nodes.Count == 0)
        {
            throw new UserErrorException("splitfrozen.nodes names no device node, so that there is nothing to simulate; list some as in hocon/local.conf.");
        }

        var devices = data.Lengths.Select((lengths, part) => new SimulatedDevice(
            SharedDevices.Id(part), request.Run is { } run ? Placement(run, SharedDevices.Id(part), nodes) : part % nodes.Count, lengths)).OrderBy(d => d.Id).ToList();
        var training = settings.Training with { BatchSize = request.BatchSize ?? settings.Training.BatchSize, Epochs = request.Epochs ?? settings.Training.Epochs };
        training = training with { MicroBatchSize = Math.Min(training.MicroBatchSize, training.BatchSize) };
        return Spec(request, settings, nodes, devices, training, data.Shape, data.Trainer);
    }

    /// <summary>A configured node; what its profile leaves open is drawn from the request's distributions. Its rate changes count from the start, not from its first unit.</summary>
    private static SimulatedNode Node(NodeProfile profile, int index, SimulateRequest request, long seed)
    {
        var random = SeededRandom.For(seed, "simulated node", index);
        var gigaFlops = request.GigaFlops.Draw(random);
        var link = (request.Link ?? Endless).Draw(random);
        var latency = (request.Latency ?? None).Draw(random) / 1000;
        long? memory = request.Memory is { } asked ? (long)(asked.Draw(random) * 1024 * 1024) : null;
        var bytesPerSecond = (profile.LinkMegabits ?? link) * 1e6 / 8;
        return new SimulatedNode(
            profile.Name, (profile.GigaFlops ?? gigaFlops) * 1e9, bytesPerSecond, profile.LinkLatency > TimeSpan.Zero ? profile.LinkLatency.TotalSeconds : latency,
            profile.MemoryBytes ?? memory, [.. profile.Changes.Select(c => new RateChange(c.After.TotalSeconds, c.GigaFlops * 1e9, bytesPerSecond))]);
    }

    private static int Placement(RunRecord run, DeviceId device, List<SimulatedNode> nodes)
    {
        var was = run.Summary.Devices.FirstOrDefault(d => d.Id == device.Value)?.Node;
        var index = nodes.FindIndex(n => n.Name == was);
        return index >= 0 ? index
            : throw new UserErrorException(
                $"The run {run.Folder} does not say on which of splitfrozen.nodes device {device} was; --like works for runs of `splitfrozen train` over splitfrozen.nodes.");
    }

    /// <summary>The rate that a run's trainer reached: operations of F, B and W by the cost model over the seconds that they took.</summary>
    private static double TrainerFlops(RunRecord run, FleetData data)
    {
        var costs = new ModelCosts(data.Shape, data.Trainer, stages: 1, run.Settings.Channel.Codec);
        var busy = run.Summary.StageSeconds;
        var seconds = busy.Forward + busy.BackwardInput + busy.BackwardWeights;
        var samples = data.Lengths.Sum(device => (long)device.Length);
        var epoch = data.Lengths.Sum(device => Enum.GetValues<OperationKind>().Sum(kind => costs.Trainer(kind, stage: 0, device)));
        return seconds > 0 && run.Summary.SamplesTrained > 0 ? epoch * run.Summary.SamplesTrained / samples / seconds
            : throw new UserErrorException($"The run {run.Folder} trained nothing, so that its server's speed is not known. Give it with --server-gigaflops.");
    }

    /// <summary>What a made-up fleet trains: a classifier of two labels, since a head of few labels costs next to nothing.</summary>
    private static TrainerSpec Trainer(Settings settings, int cut) =>
        new(TaskKind.Classification, Labels: 2, cut, settings.Lora, settings.Training.WeightDecay, settings.Training.ClipNorm, settings.Training.Seed);

    private static FleetSpec Spec(
        SimulateRequest request, Settings settings, IReadOnlyList<SimulatedNode> nodes, IReadOnlyList<SimulatedDevice> devices, TrainingSettings training,
        ModelShape shape, TrainerSpec trainer)
    {
        if (request.Server.Stages > shape.Layers - trainer.Cut)
        {
            throw new UserErrorException($"--stages = {request.Server.Stages} is more than there are blocks to train: {shape.Layers - trainer.Cut} above the cut at {trainer.Cut}.");
        }

        var costs = new ModelCosts(shape, trainer, request.Server.Stages, settings.Channel.Codec);
        var asked = request.Server;
        var server = new SimulatedServer(
            asked.FlopsPerSecond ?? (settings.Server.Profile.GigaFlops * 1e9) ?? DefaultServerFlops, asked.Stages, asked.SharesCompute, asked.StepSeconds ?? DefaultStepSeconds);
        var faults = new FaultSpec(FaultOptions.Crashes(request.Crashes, nodes), request.RandomCrashes, settings.Device.LostAfter.TotalSeconds);
        return new FleetSpec(
            FaultOptions.Slow(request.SlowDowns, nodes), devices, server, costs, trainer.Cut, training, settings.Pipeline, settings.Channel.Credits,
            new AllocationPlan(PolicyLoader.Load(settings.Allocation), settings.Allocation, request.ReallocateEvery), faults,
            Store(settings.Store, shape, trainer));
    }

    private static SimulatedStore? Store(StoreSettings settings, ModelShape shape, TrainerSpec trainer) => settings.Mode == StoreMode.Off ? null
        : new SimulatedStore(
            settings.MemoryLimit, settings.Mode == StoreMode.Disk ? settings.DiskLimit : null, RowCodec.RowBytes(settings.Codec, shape.Width),
            HasTargetPerToken: trainer.Task == TaskKind.LanguageModel);
}
