using System.Diagnostics;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Methods;

/// <summary>The device's and the server's part of a split model. Each side clips its own gradients.</summary>
internal sealed class SplitPair : IDisposable
{
    private readonly RunClock _clock;
    private readonly int _width;

    /// <summary>Loads both parts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="trainer">What is trained, from block 0 on.</param>
    /// <param name="blocks">Blocks of the device.</param>
    /// <param name="clock">Adds up the time of both.</param>
    public SplitPair(IModelSource model, TrainerSpec trainer, int blocks, RunClock clock)
    {
        (_clock, _width) = (clock, model.Shape.Width);
        Device = model.LoadTrainer(trainer with { Stage = new BlockRange(0, blocks) });
        Server = model.LoadTrainer(trainer with { Stage = new BlockRange(blocks, model.Shape.Layers) });
    }

    /// <summary>Blocks 0..k.</summary>
    public ITrainerStage Device { get; }

    /// <summary>Blocks k..L and the head.</summary>
    public ITrainerStage Server { get; }

    /// <summary>A batch of one device: F up, B down, W of both, and the device's step. The server's gradients stay until <see cref="StepServer"/>.</summary>
    /// <param name="data">Whose samples.</param>
    /// <param name="embeddings">The embeddings.</param>
    /// <param name="batch">Which batch, counted over all passes.</param>
    /// <param name="step">The server's step, for dropout masks.</param>
    /// <param name="rate">Learning rate.</param>
    public TargetScore Train(LocalData data, IFrozenBlocks embeddings, int batch, int step, double rate)
    {
        var score = default(TargetScore);
        foreach (var (place, indices) in data.MicroBatches(batch).Index())
        {
            var input = data.Embed(embeddings, indices);
            var rows = new float[input.Lengths.Sum() * _width];
            Timed(OperationKind.Forward, () => Device.Forward(place, step, input, rows));
            Timed(OperationKind.Forward, () => score += Server.Forward(place, step, input with { Values = rows }));
            var gradient = new float[rows.Length];
            Timed(OperationKind.BackwardInput, () => Server.BackwardInput(place, [], gradient));
            Timed(OperationKind.BackwardWeights, () => Server.BackwardWeights(place));
            Timed(OperationKind.BackwardInput, () => Device.BackwardInput(place, gradient, []));
            Timed(OperationKind.BackwardWeights, () => Device.BackwardWeights(place));
        }

        Step(Device, rate, score.Targets);
        return score;
    }

    /// <summary>The server's step.</summary>
    /// <returns>The norm of its gradient.</returns>
    public double StepServer(double rate, long targets) => Step(Server, rate, targets);

    /// <summary>Scores a batch at depth 0.</summary>
    public TargetScore Evaluate(ActivationBatch batch)
    {
        var rows = new float[batch.Lengths.Sum() * _width];
        Device.Evaluate(batch, rows);
        return Server.Evaluate(batch with { Values = rows });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        Server.Dispose();
    }

    private double Step(ITrainerStage stage, double rate, long targets)
    {
        var started = Stopwatch.GetTimestamp();
        var norm = stage.Step(rate, targets);
        _clock.Step(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return norm;
    }

    private void Timed(OperationKind kind, Action run)
    {
        var started = Stopwatch.GetTimestamp();
        run();
        _clock.Operation(kind, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }
}
