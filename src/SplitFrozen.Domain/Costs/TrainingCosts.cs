using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Costs;

/// <summary>
/// Floating-point operations of trained blocks, in the convention of <see cref="LayerCosts"/>: a multiply-add counts two; matrix products and the two
/// products of attention count, norms and element-wise functions do not; attention counts over the full sequence. Frozen weights have no weight gradient.
/// Attention's backward counts twice its forward: what a fused kernel computes again is not counted. Shortcuts are not counted as if they were computed.
/// </summary>
public static class TrainingCosts
{
    /// <summary>F, B and W of a stage for one micro-batch, with the head on the last stage.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="spec">What is trained, and which blocks the stage holds.</param>
    /// <param name="lengths">Tokens of each sample.</param>
    /// <param name="targetRows">Rows that have a target: of classification the samples, of language modelling the target tokens.</param>
    public static OperationFlops Stage(ModelShape shape, TrainerSpec spec, ReadOnlySpan<int> lengths, int targetRows)
    {
        var stage = spec.StageOf(shape.Layers);
        var sum = default(OperationFlops);
        for (var layer = stage.From; layer < stage.To; layer++)
        {
            var place = new BlockPlace(layer == spec.Cut, layer == shape.Layers - 1 ? targetRows : null, spec.Task == TaskKind.Classification);
            sum += Block(shape, spec.Lora, lengths, place);
        }

        return stage.To == shape.Layers ? sum + Head(shape, spec, targetRows) : sum;
    }

    /// <summary>F, B and W of one block with adapters.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="lora">The adapters.</param>
    /// <param name="lengths">Tokens of each sample.</param>
    /// <param name="place">What the block's place saves.</param>
    public static OperationFlops Block(ModelShape shape, LoraSpec lora, ReadOnlySpan<int> lengths, BlockPlace place = default)
    {
        var rows = 0L;
        foreach (var length in lengths)
        {
            rows += length;
        }

        var narrowed = place.NeededRows ?? rows;
        var queries = place.NeededRows is not null && place.AreLastRows ? lengths.Length : rows;
        var reached = !place.IsFirst;
        var sum = default(OperationFlops);
        foreach (var part in BlockMatrix.Of(shape).GroupBy(m => m.Part))
        {
            // Matrices of one part share their input: whether it has a gradient depends on the parts before.
            foreach (var matrix in part)
            {
                sum += Matrix(matrix, part.Key == BlockPart.AttentionInput ? rows : narrowed, queries, reached);
                if (matrix.IsTarget(shape.Family, lora))
                {
                    sum += Adapter(matrix, lora.Rank, part.Key == BlockPart.AttentionInput ? rows : narrowed, queries, reached);
                }
            }

            reached |= part.Any(m => m.IsTarget(shape.Family, lora));
            if (part.Key == BlockPart.AttentionInput)
            {
                var forward = Attention(shape, lengths, queries < rows);
                sum += new OperationFlops(forward, reached ? 2 * forward : 0, 0);
            }
        }

        return sum;
    }

    /// <summary>The head's products. The frozen language head computes its input's gradient in F, slice by slice, so that no logits are kept.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="spec">The task.</param>
    /// <param name="targetRows">Rows with a target.</param>
    public static OperationFlops Head(ModelShape shape, TrainerSpec spec, int targetRows)
    {
        var product = 2.0 * targetRows * shape.Width * (spec.Task == TaskKind.Classification ? spec.Labels : shape.Vocabulary);
        return spec.Task == TaskKind.Classification
            ? new OperationFlops(product, product, product)
            : new OperationFlops(2 * product, 0, 0);
    }

    private static double Attention(ModelShape shape, ReadOnlySpan<int> lengths, bool lastRowsOnly)
    {
        var pairs = 0.0;
        foreach (var length in lengths)
        {
            pairs += (lastRowsOnly ? 1.0 : length) * length;
        }

        return 4 * pairs * shape.Heads * shape.HeadWidth;
    }

    private static OperationFlops Matrix(BlockMatrix matrix, long rows, long queries, bool hasInputGradient)
    {
        var others = matrix.Outputs - matrix.QueryOutputs;
        var forward = 2.0 * matrix.Inputs * ((others * rows) + ((double)matrix.QueryOutputs * queries));
        return new OperationFlops(forward, hasInputGradient ? forward : 0, 0);
    }

    /// <summary>h = A x, y += B h; dh = Bᵀ dy, dx += Aᵀ dh; dA = dhᵀ x, dB = dyᵀ h.</summary>
    private static OperationFlops Adapter(BlockMatrix matrix, int rank, long rows, long queries, bool hasInputGradient)
    {
        // A fused projection applies A to all rows; one of queries alone only to those that are needed.
        var inputRows = matrix.QueryOutputs == matrix.Outputs ? queries : rows;
        var down = 2.0 * rank * matrix.Inputs * inputRows;
        var up = 2.0 * rank * (((double)(matrix.Outputs - matrix.QueryOutputs) * rows) + ((double)matrix.QueryOutputs * queries));
        return new OperationFlops(down + up, up + (hasInputGradient ? down : 0), down + up);
    }
}

/// <summary>What a block's place in the model saves.</summary>
/// <param name="IsFirst">Whether it is the first above the frozen line: nothing below needs a gradient.</param>
/// <param name="NeededRows">On the last block, the rows that are needed after attention; null for all.</param>
/// <param name="AreLastRows">Whether those are the last rows of the samples: then only their queries are needed.</param>
public readonly record struct BlockPlace(bool IsFirst, int? NeededRows, bool AreLastRows);
