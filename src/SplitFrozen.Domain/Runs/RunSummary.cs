using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Runs;

/// <summary>What a run came to; written as summary.json in snake_case.</summary>
public sealed record RunSummary(
    string Method, long Seed, int Epochs, int Cut, string Task, string EvaluationSplit, string ValidationSplit,
    double? AccuracyBefore, double? AccuracyAfter, double? ValidationAccuracy, double? LossBefore, double? LossAfter,
    double? LossFirst, double? LossLast, int Steps, long SamplesTrained, long SamplesExpected, double WallSeconds,
    string? AdapterSha256, long AdapterBytes, long TrainableParameters, StageSeconds StageSeconds, bool Completed,
    bool TimesValid, IReadOnlyList<string> Remarks, IReadOnlyList<DeviceSummary> Devices)
{
    /// <summary>The best validation, whose checkpoint is kept, or null without one.</summary>
    public BestValidation? Best { get; init; }

    /// <summary>What was struck from epochs, as devices did not return in time. The ledger names the samples.</summary>
    public IReadOnlyList<StruckSummary> Struck { get; init; } = [];

    /// <summary>Whether the run can be compared with others of its configuration: nothing was struck.</summary>
    public bool Comparable => Struck.Count == 0;

    /// <summary>How often the run was resumed. Its times are sums then, without what was done again; devices' and stages' figures are those of the last process.</summary>
    public int Resumes { get; init; }

    /// <summary>How much of what came over the activation channel was refused, by kind of fault.</summary>
    public IReadOnlyDictionary<string, long> ChannelRefusals { get; init; } = new Dictionary<string, long>();

    /// <summary>What the activation store saved, or null where it is off.</summary>
    public StoreSummary? Store { get; init; }

    /// <summary>Classification: F1 on the evaluation split before training, of label 1 where there are two labels, else the mean over labels.</summary>
    public double? F1Before { get; init; }

    /// <summary>The same after training.</summary>
    public double? F1After { get; init; }

    /// <summary>F1 in the last validation.</summary>
    public double? ValidationF1 { get; init; }

    /// <summary>Language modelling: e to the mean loss on the evaluation split before training.</summary>
    public double? PerplexityBefore { get; init; }

    /// <summary>The same after training.</summary>
    public double? PerplexityAfter { get; init; }

    /// <summary>Language modelling: share of generated answers with the reference's number after ####; null where it was not asked for.</summary>
    public double? ExactMatch { get; init; }

    /// <summary>Rows that <see cref="ExactMatch"/> is over.</summary>
    public int? ExactMatchRows { get; init; }

    /// <summary>This summary with F1 or perplexity, as the task has them, of the scores before and after training and of the last validation.</summary>
    public RunSummary WithMeasures(TaskKind task, TargetScore? before, TargetScore? after, TargetScore? validation) => this with
    {
        F1Before = before?.F1,
        F1After = after?.F1,
        ValidationF1 = validation?.F1,
        PerplexityBefore = Perplexity.Of(task, before),
        PerplexityAfter = Perplexity.Of(task, after),
    };
}

/// <summary>Samples of a device that were struck from an epoch.</summary>
/// <param name="Epoch">Training epoch, from 0.</param>
/// <param name="Device">The device.</param>
/// <param name="Samples">How many of its samples.</param>
public sealed record StruckSummary(int Epoch, string Device, int Samples);

/// <summary>What the activation store did in a run.</summary>
/// <param name="Mode">memory or disk.</param>
/// <param name="Codec">How activations were kept.</param>
/// <param name="Samples">Samples that are stored.</param>
/// <param name="MemoryBytes">Bytes in memory.</param>
/// <param name="DiskBytes">Bytes on disk.</param>
/// <param name="Supplied">Samples trained from the store, over all epochs.</param>
/// <param name="Damaged">Stored samples that were found damaged and asked from their devices.</param>
/// <param name="DeviceFlops">What devices computed.</param>
/// <param name="DeviceFlopsWithout">What they would have computed without the store.</param>
/// <param name="DeviceBytes">What devices sent over the activation channel.</param>
/// <param name="DeviceBytesWithout">What they would have sent without the store: activations, and 12 bytes of header a sample.</param>
public sealed record StoreSummary(
    string Mode, string Codec, long Samples, long MemoryBytes, long DiskBytes, long Supplied, long Damaged,
    double DeviceFlops, double DeviceFlopsWithout, long DeviceBytes, long DeviceBytesWithout);

/// <summary>Seconds each stage was busy. Stages overlap: they do not add up to the wall time.</summary>
/// <param name="CatchUp">Server, frozen blocks n..C.</param>
/// <param name="Forward">Server, F.</param>
/// <param name="BackwardInput">Server, B.</param>
/// <param name="BackwardWeights">Server, W.</param>
/// <param name="Step">Server, optimiser.</param>
/// <param name="Evaluation">Server, scoring.</param>
/// <param name="TrainerIdle">Trainer, waiting for activations while training.</param>
public sealed record StageSeconds(
    double CatchUp, double Forward, double BackwardInput, double BackwardWeights, double Step, double Evaluation, double TrainerIdle);

/// <summary>One device's part in a run.</summary>
public sealed record DeviceSummary(
    string Id, string Node, int Layers, string Reason, int Samples, long Forwarded, double Flops, long BytesSent, double BusySeconds, long Overruns, long Operations)
{
    /// <summary>Bytes that it read from the channel: adapters and gradients, in the methods in which devices train.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes that it should send by the cost model, without frames' headers of tensors and what is sent again; null where that is not computed.</summary>
    public double? CostModelBytesSent { get; init; }

    /// <summary>Bytes that it should receive by the cost model.</summary>
    public double? CostModelBytesReceived { get; init; }
}
