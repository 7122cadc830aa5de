using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>
/// Expands ggml's quantised blocks to float32, to the bits of gguf-py's quants.py, which with ggml-common.h is the source of the layouts.
/// </summary>
internal static unsafe class QuantizedBlocks
{
    /// <summary>Expands whole blocks.</summary>
    /// <param name="format">A quantised format.</param>
    /// <param name="source">The first block.</param>
    /// <param name="target">Receives the numbers; its length is a multiple of the format's block.</param>
    public static void Expand(NumberFormat format, byte* source, Span<float> target)
    {
        switch (format.Name)
        {
            case "Q4_0":
                Run<BlockQ40>(format, source, target);
                break;
            case "Q4_1":
                Run<BlockQ41>(format, source, target);
                break;
            case "Q5_0":
                Run<BlockQ50>(format, source, target);
                break;
            case "Q5_1":
                Run<BlockQ51>(format, source, target);
                break;
            case "Q8_0":
                Run<BlockQ80>(format, source, target);
                break;
            case "Q4_K":
                Run<BlockQ4K>(format, source, target);
                break;
            case "Q5_K":
                Run<BlockQ5K>(format, source, target);
                break;
            case "Q6_K":
                Run<BlockQ6K>(format, source, target);
                break;
            default:
                throw new ArgumentException($"{format.Name} is not a quantised format.", nameof(format));
        }
    }

    private static void Run<T>(NumberFormat format, byte* source, Span<float> target)
        where T : struct, IQuantizedBlock
    {
        int blocks = target.Length / format.BlockElements;
        fixed (float* first = target)
        {
            float* block = first;
            for (int i = 0; i < blocks; i++, source += format.BlockBytes, block += format.BlockElements)
            {
                T.Expand(source, block);
            }
        }
    }
}

/// <summary>One quantised format.</summary>
internal unsafe interface IQuantizedBlock
{
    /// <summary>Expands one block.</summary>
    static abstract void Expand(byte* block, float* target);
}
