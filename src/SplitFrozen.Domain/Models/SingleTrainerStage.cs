namespace SplitFrozen.Domain.Models;

/// <summary>The calls of a stage that is the only one: it holds all of [C, L), so that there are no neighbours to exchange rows with.</summary>
public static class SingleTrainerStage
{
    /// <summary>F of the only stage.</summary>
    public static TargetScore Forward(this ITrainerStage stage, int microBatch, int step, ActivationBatch batch) =>
        stage.Forward(microBatch, step, batch, []);

    /// <summary>B of the only stage.</summary>
    public static void BackwardInput(this ITrainerStage stage, int microBatch) => stage.BackwardInput(microBatch, [], []);

    /// <summary>The optimiser's step of the only stage.</summary>
    /// <returns>The gradient's norm before clipping; not finite if a gradient is not, and then nothing was changed.</returns>
    public static double Step(this ITrainerStage stage, double learningRate, long targets)
    {
        var norm = GradientNorm.Of(stage.GradientSquares(), targets);
        stage.Step(learningRate, targets, norm);
        return norm;
    }

    /// <summary>Scores a batch on the only stage.</summary>
    public static TargetScore Evaluate(this ITrainerStage stage, ActivationBatch batch) => stage.Evaluate(batch, []);
}
