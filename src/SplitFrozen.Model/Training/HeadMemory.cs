using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>What a head keeps of a micro-batch from F to B and W.</summary>
/// <param name="Gradient">With respect to the logits [R, K] or to the rows [R, D], as the head chooses.</param>
/// <param name="Rows">The head's input [R, D], where W needs it.</param>
internal sealed record HeadMemory(Tensor Gradient, Tensor? Rows) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Gradient.Dispose();
        Rows?.Dispose();
    }
}
