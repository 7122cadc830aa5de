using System.Diagnostics;

using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Training;

/// <summary>Measures what a server node can do: F, B and W of one block.</summary>
internal static class StageProbe
{
    private const int Runs = 3;
    private const int EmulatedRuns = 12;

    /// <summary>
    /// Trains one block on a fixed batch, some times, and takes the best. An emulated rate bounds what is measured: it is tried oftener, until that is met, so
    /// that what else the machine does in this moment does not make a strong node weak.
    /// </summary>
    /// <param name="model">The model folder.</param>
    /// <param name="spec">A stage of one block.</param>
    /// <param name="samples">Samples of the batch.</param>
    /// <param name="length">Tokens of each.</param>
    /// <param name="bound">Emulated floating-point operations a second, or null.</param>
    /// <returns>Floating-point operations a second, by the cost model.</returns>
    public static double Measure(IModelSource model, TrainerSpec spec, int samples, int length, double? bound)
    {
        var lengths = Enumerable.Repeat(length, samples).ToArray();
        var flops = TrainingCosts.Stage(model.Shape, spec, lengths, samples).Total;
        using var stage = model.LoadTrainer(spec);
        var batch = Batch(lengths, model.Shape.Width, spec.Task);
        var output = new float[stage.IsLast ? 0 : batch.Values.Length];
        var best = 0.0;
        for (var run = 0; run < (bound is null ? Runs : EmulatedRuns) && best < (bound ?? double.PositiveInfinity); run++)
        {
            var began = Stopwatch.GetTimestamp();
            stage.Forward(0, 0, batch, output);
            stage.BackwardInput(0, output, stage.IsFirst ? [] : new float[batch.Values.Length]);
            stage.BackwardWeights(0);
            best = Math.Max(best, flops / Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return Math.Min(best, bound ?? double.PositiveInfinity);
    }

    /// <summary>Rows that are all different, so that no norm divides by zero.</summary>
    private static ActivationBatch Batch(int[] lengths, int width, TaskKind task)
    {
        var values = new float[lengths.Sum() * width];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (i % 17) - 8;
        }

        return new ActivationBatch(values, lengths, new int[task == TaskKind.Classification ? lengths.Length : lengths.Sum()], new long[lengths.Length]);
    }
}
