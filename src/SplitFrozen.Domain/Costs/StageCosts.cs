using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Costs;

/// <summary>
/// Floating-point operations of F, B and W of a trained block by formula, counted as <see cref="LayerCosts"/> does. B has the products of F with the weights, and
/// twice its products of attention (Qi et al. 2024, table 1: F = sbh(24h + 4s), B = sbh(24h + 8s), W = sbh · 24h for GPT-2). With adapters W is two
/// products an adapter and nothing else.
/// </summary>
public static class StageCosts
{
    /// <summary>F of one block, a token, in a sequence of so many tokens.</summary>
    public static double Forward(ModelShape shape, int sequence) => LayerCosts.BlockForwardPerToken(shape, sequence);

    /// <summary>B of one block, likewise.</summary>
    public static double BackwardInput(ModelShape shape, int sequence) =>
        (2.0 * LayerCosts.BlockMatrixParameters(shape)) + (8.0 * sequence * shape.Heads * shape.HeadWidth);

    /// <summary>W of one block, a token, where all its matrices are trained.</summary>
    public static double AllWeights(ModelShape shape) => 2.0 * LayerCosts.BlockMatrixParameters(shape);

    /// <summary>W of one block, a token, with adapters on the family's usual modules: 2 r (inputs + outputs) an adapter.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="rank">r.</param>
    public static double AdapterWeights(ModelShape shape, int rank)
    {
        var queries = shape.Heads * shape.HeadWidth;
        var keyValues = shape.KeyValueHeads * shape.HeadWidth;
        var widths = shape.Family == ModelFamily.Gpt2
            ? shape.Width + queries + (2 * keyValues)
            : (2 * shape.Width) + queries + keyValues;
        return 2.0 * rank * widths;
    }
}
