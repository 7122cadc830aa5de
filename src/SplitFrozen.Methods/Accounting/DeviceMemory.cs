using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Methods.Accounting;

/// <summary>Bytes of memory that methods take on a device, by formula; float32 unless said otherwise.</summary>
/// <param name="shape">The model.</param>
/// <param name="trainer">What is trained.</param>
public sealed class DeviceMemory(ModelShape shape, TrainerSpec trainer)
{
    private const int Single = sizeof(float);

    /// <summary>Value, gradient, and AdamW's two moments.</summary>
    private const int TrainedBytes = 4 * Single;

    /// <summary>Numbers of the embeddings, and of GPT-2's positions.</summary>
    private double Embeddings => (double)shape.Width * (shape.Vocabulary + (shape.Family == ModelFamily.Gpt2 ? shape.Context : 0));

    /// <summary>Weights of embeddings and blocks; as stored with less than four bytes a number, the buffer in which the largest matrix is expanded too.</summary>
    /// <param name="blocks">Frozen blocks.</param>
    /// <param name="bytesPerParameter">4 expanded; <see cref="ModelShape.StoredBytesPerParameter"/> as stored.</param>
    public double Weights(int blocks, double bytesPerParameter) =>
        (Embeddings * bytesPerParameter) + (blocks * MemoryCosts.BlockWeights(shape, bytesPerParameter))
            + (bytesPerParameter < Single ? BlockMatrix.Of(shape).Max(matrix => matrix.Parameters) * Single : 0);

    /// <summary>Blocks that run forward only, on a unit: weights, and the largest intermediate rows of a block beside its input and output.</summary>
    /// <param name="blocks">Frozen blocks.</param>
    /// <param name="tokens">Tokens of the largest unit.</param>
    /// <param name="bytesPerParameter">How the weights are held, as in <see cref="Weights"/>.</param>
    public double ForwardOnly(int blocks, long tokens, double bytesPerParameter = Single)
    {
        var widest = BlockMatrix.Of(shape).GroupBy(m => m.Part).Max(part => part.Sum(m => (long)m.Outputs));
        return Weights(blocks, bytesPerParameter) + (tokens * (double)(widest + (2 * shape.Width)) * Single);
    }

    /// <summary>Blocks from 0 on with trained adapters: weights, adapters with gradient and moments, and what F keeps of a micro-batch.</summary>
    /// <param name="blocks">Blocks on the device.</param>
    /// <param name="tokens">Tokens of the largest micro-batch.</param>
    /// <param name="hasHead">Whether the head is there too.</param>
    public double Training(int blocks, long tokens, bool hasHead)
    {
        var trained = (blocks * MemoryCosts.AdapterParameters(shape, trainer.Lora)) + (hasHead ? (long)trainer.Labels * shape.Width : 0);
        var kept = Enumerable.Range(0, blocks).Sum(block => (double)MemoryCosts.Kept(shape, trainer.Lora, tokens, block == 0));
        return Weights(blocks, Single) + ((double)trained * TrainedBytes) + kept;
    }
}
