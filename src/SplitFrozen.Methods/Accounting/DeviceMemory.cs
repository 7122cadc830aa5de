using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Methods.Accounting;

/// <summary>Bytes of memory that methods take on a device, float32, by formula.</summary>
/// <param name="shape">The model.</param>
/// <param name="trainer">What is trained.</param>
public sealed class DeviceMemory(ModelShape shape, TrainerSpec trainer)
{
    private const int Single = sizeof(float);

    /// <summary>Value, gradient, and AdamW's two moments.</summary>
    private const int TrainedBytes = 4 * Single;

    /// <summary>Embeddings, and GPT-2's positions.</summary>
    private double Embeddings => (double)shape.Width * (shape.Vocabulary + (shape.Family == ModelFamily.Gpt2 ? shape.Context : 0)) * Single;

    /// <summary>Blocks that run forward only, on a unit: weights, and the largest intermediate rows of a block beside its input and output.</summary>
    /// <param name="blocks">Frozen blocks.</param>
    /// <param name="tokens">Tokens of the largest unit.</param>
    public double ForwardOnly(int blocks, long tokens)
    {
        var widest = BlockMatrix.Of(shape).GroupBy(m => m.Part).Max(part => part.Sum(m => (long)m.Outputs));
        return Embeddings + (blocks * MemoryCosts.BlockWeights(shape, Single)) + (tokens * (double)(widest + (2 * shape.Width)) * Single);
    }

    /// <summary>Blocks from 0 on with trained adapters: weights, adapters with gradient and moments, and what F keeps of a micro-batch.</summary>
    /// <param name="blocks">Blocks on the device.</param>
    /// <param name="tokens">Tokens of the largest micro-batch.</param>
    /// <param name="hasHead">Whether the head is there too.</param>
    public double Training(int blocks, long tokens, bool hasHead)
    {
        var trained = (blocks * MemoryCosts.AdapterParameters(shape, trainer.Lora)) + (hasHead ? (long)trainer.Labels * shape.Width : 0);
        var kept = Enumerable.Range(0, blocks).Sum(block => (double)MemoryCosts.Kept(shape, trainer.Lora, tokens, block == 0));
        return Embeddings + (blocks * MemoryCosts.BlockWeights(shape, Single)) + ((double)trained * TrainedBytes) + kept;
    }
}
