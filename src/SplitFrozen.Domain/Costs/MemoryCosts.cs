using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Costs;

/// <summary>Bytes of weights and activations by formula.</summary>
public static class MemoryCosts
{
    private const int Single = sizeof(float);

    /// <summary>Numbers in one block: matrices, their biases, and norms.</summary>
    /// <param name="shape">The model. Biases are GPT-2's; models of the Llama family usually have none.</param>
    public static long BlockParameters(ModelShape shape)
    {
        var matrices = BlockMatrix.Of(shape);
        var sum = matrices.Sum(m => m.Parameters);
        return shape.Family == ModelFamily.Gpt2
            ? sum + matrices.Sum(m => m.Outputs) + (4L * shape.Width)
            : sum + (2L * shape.Width);
    }

    /// <summary>Bytes of one block's weights.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="bytesPerParameter">4 expanded; <see cref="ModelShape.StoredBytesPerParameter"/> as stored.</param>
    public static double BlockWeights(ModelShape shape, double bytesPerParameter) => BlockParameters(shape) * bytesPerParameter;

    /// <summary>Numbers in the adapters of one block.</summary>
    public static long AdapterParameters(ModelShape shape, LoraSpec lora) =>
        BlockMatrix.Of(shape).Where(m => m.IsTarget(shape.Family, lora)).Sum(m => (long)lora.Rank * (m.Inputs + m.Outputs));

    /// <summary>Bytes of the activations of so many tokens between two blocks, the same at every depth.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="tokens">Real tokens.</param>
    /// <param name="bytesPerNumber">4 for fp32, 2 for bf16, and so on, without headers and scales.</param>
    public static double Wire(ModelShape shape, long tokens, double bytesPerNumber) => tokens * (double)shape.Width * bytesPerNumber;

    /// <summary>
    /// Bytes that F of one block keeps for B and W, float32: inputs of norms, the adapters' inputs, inner and outer products, queries, keys and values as
    /// attention took them, and what the activation function needs. A block below which nothing needs a gradient keeps no input of its first norm.
    /// </summary>
    /// <param name="shape">The model.</param>
    /// <param name="lora">The adapters, on queries, keys and values only.</param>
    /// <param name="tokens">Real tokens.</param>
    /// <param name="isFirst">Whether it is the first block above the frozen line.</param>
    public static long Kept(ModelShape shape, LoraSpec lora, long tokens, bool isFirst)
    {
        var targets = BlockMatrix.Of(shape).Where(m => m.IsTarget(shape.Family, lora)).ToList();
        if (targets.Count == 0 || targets.Any(m => m.Part != BlockPart.AttentionInput))
        {
            throw new NotSupportedException("What F keeps is known for adapters on queries, keys and values.");
        }

        long d = shape.Width;
        long queries = (long)shape.Heads * shape.HeadWidth;
        var keys = (long)shape.KeyValueHeads * shape.HeadWidth;
        var norms = isFirst ? d : 2 * d;
        var adapters = d + (targets.Count * (long)lora.Rank);
        // LayerNorm keeps a mean and a spread of each row too. Llama's queries and keys are rotated copies of what adapters put out, its values are not.
        var perToken = norms + adapters + (shape.Family == ModelFamily.Gpt2
            ? (2L * 2) + (3 * d) + shape.FeedForward
            : queries + keys + (targets.Any(m => m.Name == "self_attn.v_proj") ? 0 : keys) + targets.Sum(m => (long)m.Outputs) + (2L * shape.FeedForward));
        return tokens * perToken * Single;
    }
}
