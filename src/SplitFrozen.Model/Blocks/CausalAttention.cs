using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Attention over ragged rows by <see cref="AttentionKernels"/>, as a node of the graph.</summary>
internal sealed class CausalAttention : autograd.SingleTensorFunction<CausalAttention>
{
    private const string Lengths = "lengths";

    /// <inheritdoc/>
    public override string Name => nameof(CausalAttention);

    /// <summary>Whether the kernels can take such heads: float32 in main memory, a head's numbers side by side, in whole vectors.</summary>
    public static bool Takes(Tensor heads) =>
        heads.device_type == DeviceType.CPU && heads.dtype == ScalarType.Float32 && heads.shape[2] % SmallProducts.Lanes == 0 && heads.stride(2) == 1;

    /// <summary>softmax(q kᵀ / √Dh + causal mask) v for each sample and head.</summary>
    /// <param name="query">[T, H, Dh].</param>
    /// <param name="key">[T, Hkv, Dh].</param>
    /// <param name="value">[T, Hkv, Dh].</param>
    /// <param name="layout">Which rows belong to which sample.</param>
    /// <returns>[T, H · Dh].</returns>
    public static Tensor Run(Tensor query, Tensor key, Tensor value, RaggedLayout layout) =>
        is_grad_enabled() ? apply(query, key, value, layout.Lengths) : Forward(query, key, value, layout.Lengths);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (query, key, value, lengths) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (long[])vars[3]);
        ctx.save_for_backward([query, key, value]);
        ctx.save_data(Lengths, lengths);
        return Forward(query, key, value, lengths);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (query, key, value, lengths) = (saved[0], saved[1], saved[2], (long[])ctx.get_data(Lengths));
        var gradient = grad_output.contiguous().view(query.shape);
        var (queryGradient, keyGradient, valueGradient) = (empty(query.shape), empty(key.shape), empty(value.shape));
        AttentionKernels.Backward(
            AttentionShape.Of(query, key, lengths), HeadRows.Of(query), HeadRows.Of(key), HeadRows.Of(value), HeadRows.Of(gradient),
            HeadRows.Of(queryGradient), HeadRows.Of(keyGradient), HeadRows.Of(valueGradient));
        GC.KeepAlive(gradient);
        return [queryGradient, keyGradient, valueGradient, null!];
    }

    private static Tensor Forward(Tensor query, Tensor key, Tensor value, long[] lengths)
    {
        var output = empty(query.shape);
        AttentionKernels.Forward(AttentionShape.Of(query, key, lengths), HeadRows.Of(query), HeadRows.Of(key), HeadRows.Of(value), HeadRows.Of(output));
        return output.view(query.shape[0], query.shape[1] * query.shape[2]);
    }
}
