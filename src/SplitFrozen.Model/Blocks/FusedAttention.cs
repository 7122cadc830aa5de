using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// <see cref="CausalAttention"/> on queries, keys and values that stand side by side in one tensor, as GPT-2's projection gives them: the way back writes their gradients
/// side by side too, where parts of their own would have to be copied together.
/// </summary>
internal sealed class FusedAttention : autograd.SingleTensorFunction<FusedAttention>
{
    private const string Lengths = "lengths";

    /// <inheritdoc/>
    public override string Name => nameof(FusedAttention);

    /// <summary>softmax(q kᵀ / √Dh + causal mask) v for each sample and head.</summary>
    /// <param name="parts">Queries, keys and values [T, 3, H, Dh].</param>
    /// <param name="layout">Which rows belong to which sample.</param>
    /// <returns>[T, H · Dh].</returns>
    public static Tensor Run(Tensor parts, RaggedLayout layout) =>
        is_grad_enabled() ? apply(parts, layout.Lengths) : Forward(parts, layout.Lengths);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (parts, lengths) = ((Tensor)vars[0], (long[])vars[1]);
        ctx.save_for_backward([parts]);
        ctx.save_data(Lengths, lengths);
        return Forward(parts, lengths);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (parts, lengths) = (ctx.get_saved_variables()[0], (long[])ctx.get_data(Lengths));
        var above = grad_output.contiguous().view(parts.shape[0], parts.shape[2], parts.shape[3]);
        var result = empty(parts.shape);
        var (query, key, value) = Split(parts);
        var (queryGradient, keyGradient, valueGradient) = Split(result);
        AttentionKernels.Backward(
            AttentionShape.Of(query, key, lengths), HeadRows.Of(query), HeadRows.Of(key), HeadRows.Of(value), HeadRows.Of(above),
            HeadRows.Of(queryGradient), HeadRows.Of(keyGradient), HeadRows.Of(valueGradient));
        GC.KeepAlive(above);
        return [result, null!];
    }

    private static Tensor Forward(Tensor parts, long[] lengths)
    {
        var (query, key, value) = Split(parts);
        var output = empty(query.shape);
        AttentionKernels.Forward(AttentionShape.Of(query, key, lengths), HeadRows.Of(query), HeadRows.Of(key), HeadRows.Of(value), HeadRows.Of(output));
        return output.view(query.shape[0], query.shape[1] * query.shape[2]);
    }

    private static (Tensor Query, Tensor Key, Tensor Value) Split(Tensor parts) => (parts.select(1, 0), parts.select(1, 1), parts.select(1, 2));
}
