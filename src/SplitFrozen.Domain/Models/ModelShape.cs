namespace SplitFrozen.Domain.Models;

/// <summary>Family of a decoder-only language model.</summary>
public enum ModelFamily
{
    /// <summary>GPT-2: learned positions, LayerNorm, fused attention projection, GELU.</summary>
    Gpt2,

    /// <summary>Llama: rotary positions, RMSNorm, grouped-query attention, SwiGLU.</summary>
    Llama,
}

/// <summary>The sizes of a model that costs and schedules depend on.</summary>
/// <param name="Family">Architecture family.</param>
/// <param name="Layers">Number of blocks L.</param>
/// <param name="Width">Hidden size D.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; equals <paramref name="Heads"/> without grouping.</param>
/// <param name="HeadWidth">Width of one head.</param>
/// <param name="FeedForward">Inner size of the feed-forward part.</param>
/// <param name="Vocabulary">Number of tokens V.</param>
/// <param name="Context">Longest sequence in tokens.</param>
/// <param name="TiedHead">Whether the language-model head shares the embedding's weights.</param>
/// <param name="StoredBytesPerParameter">Bytes a parameter takes in the folder's files (4 for fp32, 2 for fp16 and bf16).</param>
public sealed record ModelShape(
    ModelFamily Family, int Layers, int Width, int Heads, int KeyValueHeads, int HeadWidth, int FeedForward,
    int Vocabulary, int Context, bool TiedHead, double StoredBytesPerParameter);
