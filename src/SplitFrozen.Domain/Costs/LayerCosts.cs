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
    public static long BlockMatrixParameters(ModelShape shape) => BlockMatrix.Of(shape).Sum(m => m.Parameters);

    /// <summary>The gradient of one frozen block with respect to its input, a token: what federated and split fine-tuning add on a device. Adapters not counted.</summary>
    public static double BlockBackwardPerToken(ModelShape shape, int sequence) =>
        (2.0 * BlockMatrixParameters(shape)) + (8.0 * sequence * shape.Heads * shape.HeadWidth);
}
