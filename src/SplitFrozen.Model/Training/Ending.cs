using SplitFrozen.Model.Blocks;

namespace SplitFrozen.Model.Training;

/// <summary>What follows the model's last block.</summary>
/// <param name="Norm">The norm between the last block and the head.</param>
/// <param name="Head">The head.</param>
internal sealed record Ending(Norm Norm, Head Head) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Norm.Dispose();
        Head.Dispose();
    }
}
