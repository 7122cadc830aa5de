using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Causal scaled dot-product attention on ragged rows. Each sample attends on its own, so that no padding is computed and a sample's values
/// do not depend on its neighbours. What <see cref="CausalAttention"/> does not take goes through torch's operations, samples of one common length as one batch.
/// </summary>
internal static class RaggedAttention
{
    /// <summary>softmax(q kᵀ / √Dh + causal mask) v for each sample and head.</summary>
    /// <param name="query">[T, H, Dh]; any strides.</param>
    /// <param name="key">[T, Hkv, Dh]; any strides; H is a multiple of Hkv.</param>
    /// <param name="value">[T, Hkv, Dh]; any strides.</param>
    /// <param name="layout">Which rows belong to which sample.</param>
    /// <returns>[T, H · Dh].</returns>
    public static Tensor Run(Tensor query, Tensor key, Tensor value, RaggedLayout layout)
    {
        if (CausalAttention.Takes(query) && CausalAttention.Takes(key) && CausalAttention.Takes(value))
        {
            return Products.Attend(query, key, value, layout);
        }

        long width = query.shape[1] * query.shape[2];
        key = Repeated(key, query.shape[1]);
        value = Repeated(value, query.shape[1]);
        if (layout.IsUniform)
        {
            long[] batched = [layout.Samples, layout.Lengths[0], query.shape[1], query.shape[2]];
            var together = Attend(
                query.view(batched).transpose(1, 2), key.view(batched).transpose(1, 2), value.view(batched).transpose(1, 2));
            return together.transpose(1, 2).reshape(layout.Rows, width);
        }

        var queries = BySample(query, layout);
        var keys = BySample(key, layout);
        var values = BySample(value, layout);
        var outputs = new Tensor[layout.Samples];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = Attend(queries[i], keys[i], values[i]);
        }

        return cat(outputs, 2).transpose(1, 2).reshape(layout.Rows, width);
    }

    /// <summary>The same of queries, keys and values that stand side by side.</summary>
    /// <param name="parts">[T, 3, H, Dh].</param>
    /// <param name="layout">Which rows belong to which sample.</param>
    /// <returns>[T, H · Dh].</returns>
    public static Tensor Run(Tensor parts, RaggedLayout layout)
    {
        var (query, key, value) = (parts.select(1, 0), parts.select(1, 1), parts.select(1, 2));
        return CausalAttention.Takes(query) ? Products.Attend(parts, layout) : Run(query, key, value, layout);
    }

    /// <summary>Attention of the last row of each sample, which sees all of its sample.</summary>
    /// <param name="query">[N, H, Dh].</param>
    /// <param name="key">[T, Hkv, Dh]; any strides; H is a multiple of Hkv.</param>
    /// <param name="value">[T, Hkv, Dh]; any strides.</param>
    /// <param name="layout">Which rows belong to which sample.</param>
    /// <returns>[N, H · Dh].</returns>
    public static Tensor RunLast(Tensor query, Tensor key, Tensor value, RaggedLayout layout)
    {
        // The queries that share a key head stand beside each other as rows, so that keys and values need not be repeated.
        long groups = key.shape[1];
        var queries = query.reshape(layout.Samples, groups, query.shape[1] / groups, query.shape[2]);
        var keys = BySample(key, layout);
        var values = BySample(value, layout);
        var outputs = new Tensor[layout.Samples];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = Products.Attend(queries.narrow(0, i, 1), keys[i], values[i], isCausal: false);
        }

        return cat(outputs, 0).reshape(layout.Samples, query.shape[1] * query.shape[2]);
    }

    /// <summary>[T, Hkv, Dh] to [T, H, Dh]: each head as often as its group has queries, one after another.</summary>
    public static Tensor Repeated(Tensor rows, long heads)
    {
        long group = heads / rows.shape[1];
        return group == 1
            ? rows
            : rows.unsqueeze(2).expand(rows.shape[0], rows.shape[1], group, rows.shape[2]).reshape(rows.shape[0], heads, rows.shape[2]);
    }

    /// <summary>Views [1, H, S_i, Dh] of the samples in [T, H, Dh].</summary>
    private static Tensor[] BySample(Tensor rows, RaggedLayout layout) =>
        rows.transpose(0, 1).unsqueeze(0).split(layout.Lengths, 2);

    private static Tensor Attend(Tensor query, Tensor key, Tensor value) =>
        Products.Attend(query, key, value, isCausal: true);
}
