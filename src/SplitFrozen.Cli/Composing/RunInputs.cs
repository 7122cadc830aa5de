using SplitFrozen.Actors.Baselines;
using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Model;
using SplitFrozen.Model.Data;
using SplitFrozen.Model.Tokenizers;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Composing;

/// <summary>A run's model and data, opened and checked against its settings and each other.</summary>
/// <param name="Settings">The configuration.</param>
/// <param name="Model">The model folder.</param>
/// <param name="DeviceModel">The same, holding weights as devices do.</param>
/// <param name="Source">The data folder.</param>
/// <param name="Data">The data folder, opened.</param>
/// <param name="Cut">First trained block.</param>
/// <param name="Spread">How shared training rows are spread, the validation share resolved.</param>
/// <param name="Partition">The rows of each device.</param>
/// <param name="HeldOut">Names and rows of the held-out sets.</param>
internal sealed record RunInputs(
    Settings Settings, IModelSource Model, IModelSource DeviceModel, IDataSource Source, IDataSet Data, int Cut, PartitionSpec Spread, Partition Partition, HeldOutRows HeldOut)
{
    /// <summary>Room for a frame's header beside its activations.</summary>
    private const int HeaderRoom = 64 * 1024;

    private HeldOutSets? _sets;

    /// <summary>The order that a run was recorded in and this one is to repeat, or null.</summary>
    public RecordedOrder? Replay { get; private init; }

    /// <summary>Opens what the settings name.</summary>
    /// <exception cref="UserErrorException">Something does not exist, cannot be read or does not fit.</exception>
    public static RunInputs Open(Settings settings)
    {
        var model = HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute);
        var cut = FirstTrained(settings, model.Shape);
        CheckSizes(settings, model.Shape);
        CheckStages(settings, model.Shape.Layers - cut);
        var source = OpenSource(settings, model);
        var data = source.Open(settings.Data.MaxLength, []);
        var heldOut = HeldOutRows.Choose(data, settings.Data.Validation);
        var spread = settings.Data.Partition with { ValidationShare = heldOut.ShareOfTraining };
        (spread, var partition) = Divide(settings, data, spread);
        return new RunInputs(settings, model, model.Holding(settings.Device.Weights), source, data, cut, spread, partition, heldOut)
        {
            Replay = settings.Training.Replay is { } run ? ReadOrder(run) : null,
        };
    }

    /// <summary>Opens the data folder of a node.</summary>
    public static IDataSource OpenSource(Settings settings, IModelSource model)
    {
        var tokenizer = TokenizerFolder.Open(settings.Model.Path);
        TokenizerFolder.RequireFit(tokenizer, model.Shape.Vocabulary, settings.Model.Path);
        return new TextDataSource(settings.Data.Path, settings.Data.Columns, tokenizer);
    }

    /// <summary>The held-out sets, tokenised.</summary>
    public HeldOutSets HeldOutSets() => _sets ??= HeldOut.Encode(Data, Partition.Validation, Settings.Data.EvaluationLimit);

    /// <summary>The labels of each device's rows of the shared data; empty where rows have none.</summary>
    public IReadOnlyDictionary<DeviceId, IReadOnlyList<int>> DeviceLabels => Data.TrainLabels.Count == 0 ? new Dictionary<DeviceId, IReadOnlyList<int>>()
        : Partition.Devices.Select((rows, part) => (Part: part, Rows: rows)).ToDictionary(p => SharedDevices.Id(p.Part), p => (IReadOnlyList<int>)[.. p.Rows.Select(r => Data.TrainLabels[r])]);

    /// <summary>What is trained.</summary>
    public TrainerSpec Trainer => new(
        Data.Task, Data.Labels.Count, Cut, Settings.Lora, Settings.Training.WeightDecay, Settings.Training.ClipNorm, Settings.Training.Seed);

    /// <summary>What all nodes of a run agree on.</summary>
    public RunSpec Spec(string name) => new(
        name, Model.Fingerprint, Data.Task, [.. Data.Labels], Cut, Settings.Data.MaxLength, Settings.Pipeline.UnitTokens, Settings.Channel.Credits,
        Settings.Training.Threads, Spread, (int)Settings.Device.HeartbeatInterval.TotalMilliseconds,
        Settings.Channel.Codec)
    {
        Trace = Settings.Run.Trace,
        Method = BaselineSpec.Of(Settings, Model, Trainer),
    };

    private static (PartitionSpec Spread, Partition Partition) Divide(Settings settings, IDataSet data, PartitionSpec spread)
    {
        if (settings.Data.PartitionFile is not { } path)
        {
            return (spread, Partitioner.Split(data.Rows(DataSplit.Train), data.TrainLabels, spread));
        }

        var (file, hash) = PartitionFile.Read(path, data.Rows(DataSplit.Train), data.TrainLabels);
        return file.Devices.Length == spread.Devices ? (spread with { FileSha256 = hash }, file.Partition)
            : throw new UserErrorException($"The partition file {path} has {file.Devices.Length} devices, and splitfrozen.data.devices = {spread.Devices}; set that to {file.Devices.Length}.");
    }

    private static RecordedOrder ReadOrder(string run)
    {
        var ledger = new RunPaths(run).Ledger;
        return File.Exists(ledger) ? RecordedOrder.Read(ledger)
            : throw new UserErrorException($"splitfrozen.training.replay = {run} is not a run's folder: it has no {Path.GetFileName(ledger)}. Name the folder of a run of splitfrozen that was trained to its end.");
    }

    private static int FirstTrained(Settings settings, ModelShape shape)
    {
        if (settings.Training.Method == TrainingMethods.CenLora)
        {
            var from = settings.Training.LoraFrom ?? 0;
            return from < shape.Layers ? from
                : throw new UserErrorException($"splitfrozen.training.lora-from = {from} is outside the model: it has {shape.Layers} layers, so 0 to {shape.Layers - 1} are allowed.");
        }

        if (TrainingMethods.TrainsAllBlocks(settings.Training.Method))
        {
            return 0;
        }

        var cut = settings.Model.Cut ?? shape.Layers / 2;
        return cut >= 1 && cut < shape.Layers ? cut
            : throw new UserErrorException($"splitfrozen.model.cut = {cut} leaves nothing to freeze or nothing to train: the model has {shape.Layers} layers, so 1 to {shape.Layers - 1} are allowed.");
    }

    private static void CheckStages(Settings settings, int trainedBlocks)
    {
        if (settings.Training.Method == TrainingMethods.SplitFrozen && settings.Pipeline.Stages > trainedBlocks)
        {
            throw new UserErrorException($"splitfrozen.pipeline.stages = {settings.Pipeline.Stages} is more than the {trainedBlocks} blocks that are trained; lower it, or splitfrozen.model.cut.");
        }
    }

    private static void CheckSizes(Settings settings, ModelShape shape)
    {
        if (settings.Data.MaxLength > shape.Context)
        {
            throw new UserErrorException($"splitfrozen.data.max-length = {settings.Data.MaxLength} is longer than the model's context of {shape.Context} tokens; lower it.");
        }

        var unit = ((long)Math.Max(settings.Pipeline.UnitTokens, settings.Data.MaxLength) * shape.Width * sizeof(float)) + HeaderRoom;
        if (unit > settings.Channel.MaxFrameBytes)
        {
            throw new UserErrorException($"A forward unit takes up to {unit} bytes at this model's width of {shape.Width}, more than splitfrozen.channel.max-frame-bytes = {settings.Channel.MaxFrameBytes}; raise that, or lower splitfrozen.pipeline.unit-tokens.");
        }

        var rows = ((long)settings.Training.MicroBatchSize * settings.Data.MaxLength * shape.Width * sizeof(float)) + HeaderRoom;
        if ((settings.Start.Servers > 1 || settings.Training.Method == TrainingMethods.SplitLora) && rows > settings.Channel.MaxFrameBytes)
        {
            throw new UserErrorException($"The rows of a micro-batch take up to {rows} bytes at this model's width of {shape.Width}, more than splitfrozen.channel.max-frame-bytes = {settings.Channel.MaxFrameBytes}; raise that on all nodes, or lower splitfrozen.training.micro-batch-size.");
        }

        var grant = ServerMemory.SampleBytes(settings.Data.MaxLength, shape.Width) * settings.Training.BatchSize * settings.Pipeline.GrantBatches;
        if (settings.Training.Replay is not null && grant * settings.Pipeline.Window > ServerMemory.Limit(settings.Server))
        {
            throw new UserErrorException($"A replay holds whole grants until the recorded order needs their last sample: up to {grant * settings.Pipeline.Window} bytes, more than splitfrozen.server.memory-limit allows ({ServerMemory.Limit(settings.Server)}); raise that.");
        }

        if (settings.Training.Method == TrainingMethods.SplitFrozen && grant > ServerMemory.Limit(settings.Server))
        {
            throw new UserErrorException($"A grant takes up to {grant} bytes at this model's width of {shape.Width}, more than splitfrozen.server.memory-limit allows ({ServerMemory.Limit(settings.Server)}); raise that, or lower splitfrozen.pipeline.grant-batches, splitfrozen.training.batch-size or splitfrozen.data.max-length.");
        }
    }
}
