using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Some rows of a ragged batch, in ascending order. The index belongs to the dispose scope that is open on creation.</summary>
internal sealed class RowSelection(int[] rows, Device device)
{
    /// <summary>The rows [R].</summary>
    public IReadOnlyList<int> Rows => rows;

    /// <summary>The rows [R] as int64.</summary>
    public Tensor Index { get; } = torch.tensor(Array.ConvertAll(rows, row => (long)row), device: device);
}
