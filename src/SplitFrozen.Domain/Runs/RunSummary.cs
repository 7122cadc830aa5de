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

    /// <summary>How much of what came over the activation channel was refused, by kind of fault.</summary>
    public IReadOnlyDictionary<string, long> ChannelRefusals { get; init; } = new Dictionary<string, long>();
}

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
    string Id, string Node, int Layers, string Reason, int Samples, long Forwarded, double Flops, long BytesSent, double BusySeconds, long Overruns, long Operations);
