using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>The caches of several texts that go on together, one new row each. Rows of a pass beyond them are made up, and attend to nothing.</summary>
/// <param name="texts">Their caches, in the order of the rows.</param>
internal sealed class KeyValueCaches(IReadOnlyList<KeyValueCache> texts) : IHeldRows
{
    /// <inheritdoc/>
    public Tensor Attend(Tensor query, Tensor key, Tensor value)
    {
        var result = zeros(query.shape[0], query.shape[1] * query.shape[2], device: query.device);
        for (int i = 0; i < texts.Count; i++)
        {
            result.narrow(0, i, 1).copy_(texts[i].Attend(query.narrow(0, i, 1), key.narrow(0, i, 1), value.narrow(0, i, 1)));
        }

        return result;
    }
}
