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
        try
        {
            Server = model.LoadTrainer(trainer with { Stage = new BlockRange(blocks, model.Shape.Layers) });
        }
        catch
        {
            Device.Dispose();
            throw;
        }
    }

    /// <summary>Blocks 0..k, as devices hold them. Where they are elsewhere, it scores only.</summary>
    public ITrainerStage Device { get; }

    /// <summary>Blocks k..L and the head.</summary>
    public ITrainerStage Server { get; }

    /// <summary>The server's part of a micro-batch: F, B and W. Its gradients stay until <see cref="StepServer"/>.</summary>
    /// <param name="place">The micro-batch.</param>
    /// <param name="step">The server's step, for dropout masks.</param>
    /// <param name="rows">Rows at the cut.</param>
    /// <param name="gradient">Receives their gradient.</param>
    public TargetScore TrainServer(int place, int step, ActivationBatch rows, float[] gradient)
    {
        var score = default(TargetScore);
        _clock.Timed(OperationKind.Forward, () => score = Server.Forward(place, step, rows));
        _clock.Timed(OperationKind.BackwardInput, () => Server.BackwardInput(place, [], gradient));
        _clock.Timed(OperationKind.BackwardWeights, () => Server.BackwardWeights(place));
        return score;
    }

    /// <summary>The server's step.</summary>
    /// <returns>The norm of its gradient.</returns>
    public double StepServer(double rate, long targets)
    {
        var started = Stopwatch.GetTimestamp();
        var norm = Server.Step(rate, targets);
        _clock.Step(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return norm;
    }

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
}
