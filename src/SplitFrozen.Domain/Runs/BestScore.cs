using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Runs;

/// <summary>Keeps track of the best validation of a run, and of how long ago it was.</summary>
/// <param name="measure">By what validations are compared.</param>
/// <param name="patience">Validations in a row without a better one after which a run stops early, or null: never.</param>
public sealed class BestScore(BestMeasure measure, int? patience)
{

    /// <summary>The best validation so far, or null before the first.</summary>
    public BestValidation? Best { get; private set; }

    /// <summary>Validations since the best one, or since the start.</summary>
    public int Without { get; private set; }

    /// <summary>Whether the last validations were without a better one for so long that the run should stop.</summary>
    public bool IsPatienceOver => patience is { } limit && Without >= limit;

    /// <summary>Takes up what a checkpoint kept.</summary>
    public void Resume(BestValidation? best, int without) => (Best, Without) = (best, without);

    /// <summary>Takes note of a validation. One that is equal, or is not a number, is not better.</summary>
    /// <param name="epoch">Epochs finished.</param>
    /// <param name="step">Steps made.</param>
    /// <param name="score">What was found.</param>
    /// <returns>Whether it is the best so far.</returns>
    public bool Note(int epoch, int step, TargetScore score)
    {
        if (measure == BestMeasure.None || !IsBetter(score))
        {
            Without++;
            return false;
        }

        Without = 0;
        Best = new BestValidation(epoch, step, score.Accuracy, score.MeanLoss);
        return true;
    }

    private bool IsBetter(TargetScore score) =>
        double.IsFinite(score.LossSum)
        && (Best is not { } best || (measure == BestMeasure.Loss ? score.MeanLoss < best.Loss : score.Accuracy > best.Accuracy));
}

/// <summary>The best validation of a run; its checkpoint is in the folder best.</summary>
/// <param name="Epoch">Epochs finished then.</param>
/// <param name="Step">Steps made then.</param>
/// <param name="Accuracy">Share of targets met.</param>
/// <param name="Loss">Mean loss in nats a target.</param>
public sealed record BestValidation(int Epoch, int Step, double Accuracy, double Loss);
