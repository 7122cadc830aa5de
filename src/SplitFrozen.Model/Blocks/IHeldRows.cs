using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Keys and values of rows that were computed before, and attention on them.</summary>
internal interface IHeldRows
{
    /// <summary>Attention of new rows in the next block: on all rows of their text before them, and causally on each other.</summary>
    /// <param name="query">[T, H, Dh].</param>
    /// <param name="key">[T, Hkv, Dh]; kept.</param>
    /// <param name="value">[T, Hkv, Dh]; kept.</param>
    /// <returns>[T, H · Dh].</returns>
    Tensor Attend(Tensor query, Tensor key, Tensor value);
}
