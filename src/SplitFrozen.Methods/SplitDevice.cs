using System.Diagnostics;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Methods;

/// <summary>What a device of split training does with blocks 0..k: F up, B down, W, and a step after each batch.</summary>
/// <param name="stage">Blocks 0..k.</param>
/// <param name="embeddings">The embeddings.</param>
/// <param name="clock">Adds up the time.</param>
internal sealed class SplitDevice(ITrainerStage stage, IFrozenBlocks embeddings, RunClock clock)
{
    /// <summary>F of a micro-batch.</summary>
    /// <param name="data">The device's samples.</param>
    /// <param name="task">The batch.</param>
    /// <param name="place">The micro-batch in it.</param>
    /// <returns>Rows at the cut with their targets.</returns>
    public ActivationBatch Forward(LocalData data, SplitTask task, int place)
    {
        var input = data.Embed(embeddings, data.MicroBatches(task.Batch)[place]);
        var rows = new float[input.Lengths.Sum() * embeddings.Width];
        clock.Timed(OperationKind.Forward, () => stage.Forward(place, task.Step, input, rows));
        return input with { Values = rows };
    }

    /// <summary>B and W of a micro-batch, and after the batch's last the optimiser's step.</summary>
    /// <param name="data">The device's samples.</param>
    /// <param name="task">The batch.</param>
    /// <param name="place">The micro-batch in it.</param>
    /// <param name="gradient">Gradient of the rows.</param>
    /// <returns>Whether the batch is done.</returns>
    public bool Backward(LocalData data, SplitTask task, int place, ReadOnlyMemory<float> gradient)
    {
        clock.Timed(OperationKind.BackwardInput, () => stage.BackwardInput(place, gradient.Span, []));
        clock.Timed(OperationKind.BackwardWeights, () => stage.BackwardWeights(place));
        var parts = data.MicroBatches(task.Batch);
        if (place < parts.Count - 1)
        {
            return false;
        }

        var started = Stopwatch.GetTimestamp();
        stage.Step(task.Rate, parts.Sum(indices => (long)data.TargetRows(indices)));
        clock.Step(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return true;
    }
}
