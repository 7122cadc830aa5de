using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Costs;

/// <summary>
/// Floating-point operations by formula. A multiply-add counts two; matrix products and the products of attention are counted, norms and
/// element-wise functions are not; attention is counted over the full sequence, 4 · s · D a token, as the usual formulas do, though a causal mask
/// needs half of it. GPT-2 small at 128 tokens comes to 14.55 MFLOP a token and block.
/// </summary>
public static class LayerCosts
{
    /// <summary>Forward of one block for a batch of samples.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="lengths">Tokens of each sample.</param>
    public static double BlockForward(ModelShape shape, ReadOnlySpan<int> lengths)
    {
        var sum = 0.0;
        foreach (var length in lengths)
        {
            sum += length * BlockForwardPerToken(shape, length);
        }

        return sum;
    }

    /// <summary>Forward of one block, a token, in a sequence of so many tokens.</summary>
    public static double BlockForwardPerToken(ModelShape shape, int sequence) =>
        (2.0 * BlockMatrixParameters(shape)) + (4.0 * sequence * shape.Heads * shape.HeadWidth);

    /// <summary>Weights of a block's matrices: what a token is multiplied with.</summary>
    public static long BlockMatrixParameters(ModelShape shape)
    {
        long d = shape.Width;
        long queries = (long)shape.Heads * shape.HeadWidth;
        long keysAndValues = 2L * shape.KeyValueHeads * shape.HeadWidth;
        var attention = (d * (queries + keysAndValues)) + (queries * d);
        long matrices = shape.Family == ModelFamily.Gpt2 ? 2 : 3;
        return attention + (matrices * d * shape.FeedForward);
    }
}
