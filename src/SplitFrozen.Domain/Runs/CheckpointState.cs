using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;

namespace SplitFrozen.Domain.Runs;

/// <summary>Where training stands: what a resumed run needs besides adapter and optimiser. Draws are functions of the seed and the position, so that no generator's state is in it.</summary>
/// <param name="Step">Optimiser steps made.</param>
/// <param name="Epoch">Epoch of the next global batch.</param>
/// <param name="Batch">Place of the next global batch in its epoch; all before it are trained.</param>
/// <param name="SamplesTrained">Samples trained over all epochs.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Devices">Devices known so far, by id.</param>
public sealed record CheckpointState(int Step, int Epoch, int Batch, long SamplesTrained, long Seed, IReadOnlyList<CheckpointDevice> Devices)
{
    /// <summary>The epochs drawn so far.</summary>
    public RunPlanState Plan { get; init; } = RunPlanState.Start;

    /// <summary>Samples struck from the epochs that are not trained whole.</summary>
    public IReadOnlyList<CheckpointStruck> Struck { get; init; } = [];

    /// <summary>What was struck in the run so far.</summary>
    public IReadOnlyList<StruckSummary> StruckSoFar { get; init; } = [];

    /// <summary>Bytes of the ledger that belong to the steps made.</summary>
    public long LedgerBytes { get; init; }

    /// <summary>Mean loss of the first step, or null before it.</summary>
    public double? LossFirst { get; init; }

    /// <summary>Mean loss of the last step, or null before the first.</summary>
    public double? LossLast { get; init; }

    /// <summary>What held-out sets were scored at, by name.</summary>
    public IReadOnlyDictionary<string, CheckpointScore> Scores { get; init; } = new Dictionary<string, CheckpointScore>();

    /// <summary>The best validation so far, or null.</summary>
    public BestValidation? Best { get; init; }

    /// <summary>Validations since then.</summary>
    public int WithoutBetter { get; init; }

    /// <summary>Seconds that the run has taken so far, pauses between its processes not counted.</summary>
    public double Seconds { get; init; }

    /// <summary>How often the run was resumed before.</summary>
    public int Resumes { get; init; }
}

/// <summary>A device of a checkpoint.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Samples">How many samples it has.</param>
/// <param name="DataFingerprint">SHA-256 over them (hexadecimal), or null where it is not known: it must come back with the same.</param>
/// <param name="IsStruck">Whether training goes on without it.</param>
public sealed record CheckpointDevice(string Id, int Samples, string? DataFingerprint = null, bool IsStruck = false);

/// <summary>Samples of a device that are struck from an epoch.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="Device">Place of the device among those of the epoch.</param>
/// <param name="Samples">Indices of its samples, in the order of the plan.</param>
public sealed record CheckpointStruck(int Epoch, int Device, IReadOnlyList<int> Samples);

/// <summary>A score in a checkpoint.</summary>
/// <param name="LossSum">Sum of cross-entropies in nats.</param>
/// <param name="Targets">Targets of the sum.</param>
/// <param name="Correct">Targets that the largest logit named.</param>
/// <param name="Labels">Number of labels, or 0: predictions were not counted.</param>
/// <param name="Actual">The label of each sample, in any order.</param>
/// <param name="Predicted">The label predicted for each.</param>
public sealed record CheckpointScore(double LossSum, long Targets, long Correct, int Labels, int[] Actual, int[] Predicted)
{
    /// <summary>The score as a checkpoint keeps it.</summary>
    public static CheckpointScore Of(TargetScore score)
    {
        var (actual, predicted) = score.Confusion?.ToSamples() ?? ([], []);
        return new CheckpointScore(score.LossSum, score.Targets, score.Correct, score.Confusion?.Labels ?? 0, actual, predicted);
    }

    /// <summary>The score that was kept.</summary>
    public TargetScore ToScore() => new(LossSum, Targets, Correct)
    {
        Confusion = Labels > 0 ? ConfusionMatrix.Of(Actual, Predicted, Labels) : null,
    };
}
