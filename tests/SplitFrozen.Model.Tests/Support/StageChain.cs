using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Training;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Stages one above another in one process.</summary>
internal sealed class StageChain(TrainerStage[] stages) : IDisposable
{
    private readonly Dictionary<int, int> _sizes = [];

    /// <summary>The stages from the frozen line up.</summary>
    public IReadOnlyList<TrainerStage> Stages => stages;

    /// <summary>All trained tensors, in the order of one stage.</summary>
    public IEnumerable<Trainable> Trainables => stages.SelectMany(stage => stage.Trainables);

    /// <summary>F on all stages.</summary>
    public TargetScore Forward(int microBatch, int step, ActivationBatch batch)
    {
        _sizes[microBatch] = batch.Values.Length;
        var score = default(TargetScore);
        foreach (var stage in stages)
        {
            float[] output = new float[stage.IsLast ? 0 : batch.Values.Length];
            score = stage.Forward(microBatch, step, batch, output);
            batch = batch with { Values = output };
        }

        return score;
    }

    /// <summary>B on all stages, from the last.</summary>
    /// <returns>The gradients that went from stage to stage, the topmost first.</returns>
    public IReadOnlyList<float[]> BackwardInput(int microBatch)
    {
        List<float[]> gradients = [];
        float[] gradient = [];
        foreach (var stage in stages.Reverse())
        {
            float[] next = new float[stage.IsFirst ? 0 : _sizes[microBatch]];
            stage.BackwardInput(microBatch, gradient, next);
            gradients.Add(gradient = next);
        }

        return gradients;
    }

    /// <summary>W on all stages.</summary>
    public void BackwardWeights(int microBatch) => Array.ForEach(stages, stage => stage.BackwardWeights(microBatch));

    /// <summary>The step of all stages; gives the norm.</summary>
    public double Step(double learningRate, long targets)
    {
        double norm = GradientNorm.Of(stages.SelectMany(stage => stage.GradientSquares()), targets);
        Array.ForEach(stages, stage => stage.Step(learningRate, targets, norm));
        return norm;
    }

    /// <summary>Scores a batch.</summary>
    public TargetScore Evaluate(ActivationBatch batch)
    {
        var score = default(TargetScore);
        foreach (var stage in stages)
        {
            float[] output = new float[stage.IsLast ? 0 : batch.Values.Length];
            score = stage.Evaluate(batch, output);
            batch = batch with { Values = output };
        }

        return score;
    }

    /// <summary>All gradients so far.</summary>
    public float[] Gradients() => [.. Trainables.SelectMany(trainable => trainable.Gradient.Numbers())];

    /// <summary>All trained numbers.</summary>
    public float[] Values() => [.. Trainables.SelectMany(trainable => trainable.Value.Numbers())];

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(stages, stage => stage.Dispose());
}
