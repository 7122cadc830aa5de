using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Costs;

/// <summary>Where in a block a matrix stands.</summary>
public enum BlockPart
{
    /// <summary>Queries, keys and values.</summary>
    AttentionInput,

    /// <summary>The attention's output projection.</summary>
    AttentionOutput,

    /// <summary>Into the feed-forward part.</summary>
    FeedForwardInput,

    /// <summary>Out of the feed-forward part.</summary>
    FeedForwardOutput,
}

/// <summary>A matrix of a block.</summary>
/// <param name="Name">Name in the block, such as attn.c_attn.</param>
/// <param name="Part">Where it stands.</param>
/// <param name="Inputs">Columns.</param>
/// <param name="Outputs">Rows.</param>
/// <param name="QueryOutputs">How many of the outputs are queries.</param>
public sealed record BlockMatrix(string Name, BlockPart Part, int Inputs, int Outputs, int QueryOutputs = 0)
{
    /// <summary>Weights.</summary>
    public long Parameters => (long)Inputs * Outputs;

    /// <summary>The matrices of a block, in the order in which a token meets them.</summary>
    public static IReadOnlyList<BlockMatrix> Of(ModelShape shape)
    {
        var (d, f) = (shape.Width, shape.FeedForward);
        var queries = shape.Heads * shape.HeadWidth;
        var keys = shape.KeyValueHeads * shape.HeadWidth;
        return shape.Family == ModelFamily.Gpt2
            ?
            [
                new("attn.c_attn", BlockPart.AttentionInput, d, 3 * d, d),
                new("attn.c_proj", BlockPart.AttentionOutput, d, d),
                new("mlp.c_fc", BlockPart.FeedForwardInput, d, f),
                new("mlp.c_proj", BlockPart.FeedForwardOutput, f, d),
            ]
            :
            [
                new("self_attn.q_proj", BlockPart.AttentionInput, d, queries, queries),
                new("self_attn.k_proj", BlockPart.AttentionInput, d, keys),
                new("self_attn.v_proj", BlockPart.AttentionInput, d, keys),
                new("self_attn.o_proj", BlockPart.AttentionOutput, queries, d),
                new("mlp.gate_proj", BlockPart.FeedForwardInput, d, f),
                new("mlp.up_proj", BlockPart.FeedForwardInput, d, f),
                new("mlp.down_proj", BlockPart.FeedForwardOutput, f, d),
            ];
    }

    /// <summary>Names of the matrices that carry adapters where the user names none, as in peft.</summary>
    public static IReadOnlyList<string> UsualTargets(ModelFamily family) => family == ModelFamily.Gpt2 ? ["c_attn"] : ["q_proj", "v_proj"];

    /// <summary>Whether it carries an adapter; names match by suffix, as in peft.</summary>
    public bool IsTarget(ModelFamily family, LoraSpec lora) =>
        (lora.Targets.Count > 0 ? lora.Targets : UsualTargets(family)).Any(name => Name == name || Name.EndsWith("." + name, StringComparison.Ordinal));
}
