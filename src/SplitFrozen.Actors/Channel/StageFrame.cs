using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Actors.Channel;

/// <summary>What travels between server nodes beside control messages.</summary>
/// <param name="Stage">The stage concerned: of rows the receiver, of a tensor the one whose state it is.</param>
internal abstract record StageFrame(int Stage)
{
    /// <summary>Rows on their way to a neighbouring stage; the buffer goes back when they are written.</summary>
    internal sealed record RowsFor(int Stage, StageRows Rows) : StageFrame(Stage);

    /// <summary>A tensor of a stage's state.</summary>
    /// <param name="Stage">The stage.</param>
    /// <param name="Steps">Optimiser steps after which the state holds.</param>
    /// <param name="Place">Place among the state's tensors, from 0.</param>
    /// <param name="Count">Tensors of the state.</param>
    /// <param name="IsOptimizer">Whether it is of the optimiser.</param>
    /// <param name="Data">The tensor.</param>
    internal sealed record Tensor(int Stage, int Steps, int Place, int Count, bool IsOptimizer, TensorData Data) : StageFrame(Stage);
}
