using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>What turns the final rows into logits and a loss.</summary>
internal abstract class Head : IDisposable
{
    /// <summary>Throws <see cref="ArgumentException"/> where targets do not fit the batch or the head.</summary>
    public abstract void Check(int[] targets, RaggedLayout layout);

    /// <summary>The rows [R] that targets are read at.</summary>
    public abstract int[] Rows(int[] targets, RaggedLayout layout);

    /// <summary>The targets of those rows [R].</summary>
    public abstract long[] Targets(int[] targets);

    /// <summary>Logits [R, K] of rows [R, D].</summary>
    public abstract Tensor Logits(Tensor rows);

    /// <summary>Scores rows without keeping anything.</summary>
    /// <param name="rows">[R, D], without graph.</param>
    /// <param name="targets">[R], int64.</param>
    public abstract TargetScore Score(Tensor rows, Tensor targets);

    /// <summary>F: scores rows and returns what B and W need. Tensors that outlive the call are detached from the open dispose scope.</summary>
    /// <param name="rows">[R, D], without graph.</param>
    /// <param name="targets">[R], int64.</param>
    public abstract (TargetScore Score, HeadMemory Memory) Forward(Tensor rows, Tensor targets);

    /// <summary>B: the gradient with respect to the rows [R, D].</summary>
    public abstract Tensor InputGradient(HeadMemory memory);

    /// <summary>W: adds the head's own gradient, if it is trained.</summary>
    public abstract void AddGradient(HeadMemory memory);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
