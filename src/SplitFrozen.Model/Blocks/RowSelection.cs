using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Some rows of a ragged batch, in ascending order. The index belongs to the dispose scope that is open on creation.</summary>
/// <param name="rows">The rows [R].</param>
/// <param name="areLast">Whether they are exactly the last row of each sample.</param>
/// <param name="device">Where the index goes.</param>
internal sealed class RowSelection(int[] rows, bool areLast, Device device)
{
    /// <summary>Whether they are exactly the last row of each sample: their queries see every key of their sample.</summary>
    public bool AreLast => areLast;

    /// <summary>The rows [R].</summary>
    public IReadOnlyList<int> Rows => rows;

    /// <summary>The rows [R] as int64.</summary>
    public Tensor Index { get; } = torch.tensor(Array.ConvertAll(rows, row => (long)row), device: device);
}
