namespace SplitFrozen.Protocol.Messages;

/// <summary>What the coordinator tells the trainer stages. Rows of activations and gradients do not travel here.</summary>
public static class StageCommands
{
    /// <summary>A command for one stage. It belongs to a generation: after a stage was restarted, all begin a new one, and what is of an earlier one is dropped.</summary>
    public interface IStageCommand : IWireMessage, IValidated
    {
        /// <summary>The generation.</summary>
        int Generation { get; }
    }

    /// <summary>Load the blocks of a stage.</summary>
    /// <param name="Generation">First generation of the run.</param>
    /// <param name="Stage">Place of the stage, from 0.</param>
    /// <param name="Spec">What is trained, and which of it by this stage.</param>
    public sealed record Host(int Generation, int Stage, StageSpec Spec) : IStageCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Range("stage", Stage, 0, 10_000) ?? (Spec is null ? "the stage's specification is missing" : Spec.Fault());
    }

    /// <summary>F of a micro-batch whose rows have arrived.</summary>
    public sealed record Forward(int Generation, MicroBatchId Id) : IStageCommand
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }

    /// <summary>B of a micro-batch.</summary>
    /// <param name="Generation">The generation.</param>
    /// <param name="Id">The micro-batch.</param>
    /// <param name="SendGradient">Whether the gradient goes to the stage below now, or after W.</param>
    public sealed record BackwardInput(int Generation, MicroBatchId Id, bool SendGradient) : IStageCommand
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }

    /// <summary>W of a micro-batch.</summary>
    /// <param name="Generation">The generation.</param>
    /// <param name="Id">The micro-batch.</param>
    /// <param name="SendGradient">Whether the gradient of its B goes to the stage below now.</param>
    public sealed record BackwardWeights(int Generation, MicroBatchId Id, bool SendGradient) : IStageCommand
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }

    /// <summary>Tell the squares of the gradients: every W of the global batch is done.</summary>
    public sealed record ReadGradients(int Generation) : IStageCommand
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }

    /// <summary>Make the optimiser's step of a global batch.</summary>
    /// <param name="Generation">The generation.</param>
    /// <param name="Number">Step of the run, from 0.</param>
    /// <param name="LearningRate">Its rate.</param>
    /// <param name="Targets">Targets of the global batch.</param>
    /// <param name="Norm">Gradient norm over all stages; where it is not finite, the gradients are cleared and nothing else changes.</param>
    public sealed record Step(int Generation, int Number, double LearningRate, long Targets, double Norm) : IStageCommand
    {
        /// <inheritdoc/>
        public string? Fault() =>
            Faults.Range("step", Number, 0, int.MaxValue) ?? (Targets < 1 ? "a step needs targets" : null)
            ?? (!double.IsFinite(LearningRate) ? "the learning rate is not finite" : null);
    }

    /// <summary>Begin a new generation in the state after so many optimiser steps, which the main server node keeps; nothing is in flight then.</summary>
    public sealed record Reset(int Generation, int Steps) : IStageCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Range("steps", Steps, 0, int.MaxValue);
    }
}
