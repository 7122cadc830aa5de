using Akka.Configuration;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Security;
using SplitFrozen.Cli.Experiments;
using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Methods.Accounting;
using SplitFrozen.Model;
using SplitFrozen.Model.Generation;
using SplitFrozen.Model.Merging;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Composing;

/// <summary>The program's composition: Hugging Face models and text folders, trained by actors or in one process.</summary>
internal sealed class Composition : IComposition
{
    /// <inheritdoc/>
    public ITrainingRun OpenTraining(Settings settings)
    {
        if (settings.Cluster.Standby)
        {
            throw new UserErrorException("splitfrozen.cluster.standby = on is for server nodes in processes of their own: use `splitfrozen server`, or switch it off.");
        }

        if (settings.Training.Method == TrainingMethods.CenLora)
        {
            return new CenLoraTraining(OpenInputs(settings));
        }

        return settings.Nodes.Count > 0 ? new LocalTraining(OpenInputs(settings))
            : throw new UserErrorException("splitfrozen.nodes names no device node, so that there would be no devices; list some as in hocon/local.conf.");
    }

    /// <inheritdoc/>
    public ITrainingRun OpenServer(Settings settings) =>
        settings.Cluster.Standby && settings.Training.Method != TrainingMethods.SplitFrozen
            ? throw new UserErrorException($"splitfrozen.cluster.standby = on is for runs of splitfrozen.training.method = splitfrozen; those of {settings.Training.Method} cannot be resumed, nor taken over. Switch it off.")
            : settings.Training.Method != TrainingMethods.CenLora ? new ServerTraining(OpenInputs(settings))
            : throw new UserErrorException($"splitfrozen.training.method = {settings.Training.Method} runs in one process: use `splitfrozen train`.");

    /// <inheritdoc/>
    public async Task<bool> RunDeviceAsync(Settings settings, Config akka, CancellationToken stop)
    {
        LoadNativeLibrary(settings.Training.Threads);
        var device = settings.Device;
        var model = HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute).Holding(device.Weights);
        var data = new DeviceData(RunInputs.OpenSource(settings, model), device.Id is not null && device.Partition is null, device.Partition) { PartitionFile = settings.Data.PartitionFile };
        using var identity = TlsIdentity.Load(settings.Security.Tls);
        var options = new DeviceNodeOptions(
            settings.Cluster, device.Profile, model, data, device.Id is { } id ? new DeviceId(id) : null, settings.Data.Partition.Devices,
            ExpectedNodes: 1, settings.Start.Limit)
        {
            Method = settings.Training.Method,
            Smoothing = settings.Allocation.Smoothing,
            Route = new ChannelRoute(identity, stream => ShapedStream.Wrap(device.Profile, stream, TrainingMethods.HasTrainingDevices(settings.Training.Method))),
        };
        var isDrained = false;
        await DeviceNodeLife.RunAsync(options, akka, device.RejoinLimit, async node =>
        {
            using var health = HealthEndpoint.Start(settings.Health, node.Live, node.Ready);
            await EndOrStopAsync(node.Ended, stop).ConfigureAwait(false);
            if (stop.IsCancellationRequested)
            {
                await node.DrainAsync().ConfigureAwait(false);
            }

            isDrained = node.IsDrained;
        }, stop).ConfigureAwait(false);
        return isDrained;
    }

    /// <inheritdoc/>
    public async Task RunStagesAsync(Settings settings, Config akka, CancellationToken stop)
    {
        LoadNativeLibrary(settings.Training.Threads);
        var model = HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute);
        using var identity = TlsIdentity.Load(settings.Security.Tls);
        var node = StageNode.Start(
            new StageNodeOptions(
                settings.Cluster, settings.Server.Profile, model, settings.Training.Threads, settings.Channel.Host, settings.Server.Port,
                settings.Channel.MaxFrameBytes, identity, settings.Start.Limit),
            akka);
        await using (node.ConfigureAwait(false))
        {
            using var health = HealthEndpoint.Start(settings.Health, node.Live, node.Ready);
            await EndOrStopAsync(node.Ended, stop).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public string ProbeNativeLibrary()
    {
        LoadNativeLibrary();
        return TorchRuntime.Versions;
    }

    /// <inheritdoc/>
    public string DescribeTensorMemory() => TorchRuntime.PoolsTensors
        ? "tensors of 1 MiB and more of a training process live in a pool"
        : "left to the system's malloc: training gives the same result, in more time and memory";

    /// <inheritdoc/>
    public string DescribeModel(Settings settings)
    {
        var shape = HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute).Shape;
        return $"{settings.Model.Path}: {shape.Family}, {shape.Layers} layers of width {shape.Width}, {Units.Number(shape.Vocabulary)} tokens, context {shape.Context}";
    }

    /// <inheritdoc/>
    public string DescribeData(Settings settings)
    {
        var inputs = OpenInputs(settings);
        var data = inputs.Data;
        var splits = string.Join(", ", data.Splits.Select(s => $"{s.ToString().ToLowerInvariant()} {Units.Number(data.Rows(s))}"));
        return $"{data.Name}: {(data.Task == TaskKind.Classification ? $"{data.Labels.Count} labels" : "language modelling")}, rows: {splits}";
    }

    /// <inheritdoc/>
    public ModelShape ReadShape(Settings settings)
    {
        LoadNativeLibrary();
        return HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute).Shape;
    }

    /// <inheritdoc/>
    public FleetData MeasureFleet(Settings settings) => FleetData.Of(OpenInputs(settings));

    /// <inheritdoc/>
    public TrialResult RunTrial(Settings settings)
    {
        LoadNativeLibrary(settings.Training.Threads);
        return Trial.Run(settings);
    }

    /// <inheritdoc/>
    public (MethodCost Cost, MethodCost WithoutStore) ComputeCosts(Settings settings) => Trial.Costs(settings);

    /// <inheritdoc/>
    public AdapterScore Score(Settings settings, string adapterFolder)
    {
        var inputs = OpenInputs(settings);
        var sets = inputs.HeldOutSets();
        using var frozen = inputs.Model.LoadFrozen(inputs.Cut);
        using var stage = inputs.Model.LoadTrainer(inputs.Trainer);
        stage.LoadAdapter(adapterFolder);
        TargetScore ScoreSet(IReadOnlyList<EncodedSample> samples) =>
            Evaluator.Score(stage, Evaluator.Freeze(frozen, samples, inputs.Cut, settings.Pipeline.UnitTokens));

        return new AdapterScore(
            sets.EvaluationName, ScoreSet(sets.Evaluation), sets.ValidationName, sets.Validation.Count > 0 ? ScoreSet(sets.Validation) : null)
        {
            Task = inputs.Data.Task,
            Labels = inputs.Data.Labels,
        };
    }

    /// <inheritdoc/>
    public ExactMatchScore? ScoreAnswers(Settings settings, string adapterFolder, Action<string> say, CancellationToken stop)
    {
        var limit = settings.Evaluation.ExactMatchLimit;
        if (limit == 0)
        {
            return null;
        }

        var inputs = OpenInputs(settings);
        if (inputs.Data.Task != TaskKind.LanguageModel)
        {
            return null;
        }

        // Training may cut samples off; a reference without its end has no number.
        var context = inputs.Model.Shape.Context;
        var samples = inputs.HeldOut.EncodeEvaluation(inputs.Source.Open(context, []), limit);
        using var generator = TextGenerator.Open(settings.Model.Path, adapterFolder, settings.Model.Compute);
        var score = new AnswerScoring(generator, context, settings.Evaluation.MaxNewTokens)
            .Score(samples, row => say($"answered {row} of {samples.Count} questions"), stop);
        return score.Rows > 0 ? score : null;
    }

    /// <inheritdoc/>
    public ITextGenerator OpenGenerator(string model, string? adapter, string compute, int threads)
    {
        LoadNativeLibrary(threads);
        return TextGenerator.Open(model, adapter, compute);
    }

    /// <inheritdoc/>
    public string? BaseModelOf(string adapter) => ModelMerger.BaseModelOf(adapter);

    /// <inheritdoc/>
    public IReadOnlyList<string> LabelsOf(Settings settings) =>
        RunInputs.OpenSource(settings, HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute)).Open(settings.Data.MaxLength, []).Labels;

    /// <inheritdoc/>
    public void Merge(string model, string adapter, IReadOnlyList<string> labels, string output)
    {
        LoadNativeLibrary(Environment.ProcessorCount);
        ModelMerger.Write(model, adapter, labels, output);
    }

    private static async Task EndOrStopAsync(Task ended, CancellationToken stop)
    {
        var stopped = new TaskCompletionSource();
        using var registration = stop.Register(() => stopped.TrySetResult());
        await (await Task.WhenAny(ended, stopped.Task).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static RunInputs OpenInputs(Settings settings)
    {
        LoadNativeLibrary(settings.Training.Threads);
        return RunInputs.Open(settings);
    }

    /// <summary>Loads it; without a number the threads stay as they are, since a run that is open may have set them.</summary>
    private static void LoadNativeLibrary(int? threads = null)
    {
        NativeLibraryCheck.Require();
        if (threads is { } number)
        {
            TorchRuntime.UseThreads(number);
        }

        TorchRuntime.Probe();
    }
}
