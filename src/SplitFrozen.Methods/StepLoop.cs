using System.Diagnostics;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Methods;

/// <summary>F, B and W of a batch on a stage that holds the whole model.</summary>
/// <param name="stage">The stage.</param>
/// <param name="embeddings">The embeddings.</param>
/// <param name="clock">Adds up the time.</param>
internal sealed class StepLoop(ITrainerStage stage, IFrozenBlocks embeddings, RunClock clock)
{
    /// <summary>Trains one batch.</summary>
    /// <param name="data">Whose samples.</param>
    /// <param name="batch">Which batch, counted over all passes.</param>
    /// <param name="step">Optimiser step, for dropout masks.</param>
    /// <param name="rate">Learning rate.</param>
    public (TargetScore Score, double Norm) Train(LocalData data, int batch, int step, double rate)
    {
        var score = default(TargetScore);
        foreach (var (place, indices) in data.MicroBatches(batch).Index())
        {
            var rows = data.Embed(embeddings, indices);
            clock.Timed(OperationKind.Forward, () => score += stage.Forward(place, step, rows));
            clock.Timed(OperationKind.BackwardInput, () => stage.BackwardInput(place));
            clock.Timed(OperationKind.BackwardWeights, () => stage.BackwardWeights(place));
        }

        var started = Stopwatch.GetTimestamp();
        var norm = stage.Step(rate, score.Targets);
        clock.Step(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return (score, norm);
    }
}
