using System.Buffers;

using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Training;

/// <summary>What rows between stages are.</summary>
internal enum RowsKind
{
    /// <summary>Output of F, on its way up.</summary>
    Activations,

    /// <summary>Gradient of B, on its way down.</summary>
    Gradients,

    /// <summary>Output of a pass that only scores, on its way up.</summary>
    Scoring,
}

/// <summary>
/// Rows [T, D] from one stage to its neighbour, in a rented buffer that the receiver gives back. Within a process this is the message itself; between server
/// nodes a link carries it over the activation channel.
/// </summary>
/// <param name="Generation">The stages' generation.</param>
/// <param name="Kind">What they are.</param>
/// <param name="Id">The micro-batch; for scoring, the place in the set is its index.</param>
/// <param name="Batch">The rows with what belongs to them; of gradients only the rows count.</param>
/// <param name="Rented">The buffer that <paramref name="Batch"/> lies in.</param>
internal sealed record StageRows(int Generation, RowsKind Kind, MicroBatchId Id, ActivationBatch Batch, float[] Rented) : ILocalMessage
{
    /// <summary>Gives the buffer back.</summary>
    public void Return() => ArrayPool<float>.Shared.Return(Rented);
}
