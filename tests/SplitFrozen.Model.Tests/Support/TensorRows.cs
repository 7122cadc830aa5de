using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Tensors as managed numbers.</summary>
internal static class TensorRows
{
    /// <summary>All numbers of a tensor, row-major.</summary>
    public static float[] Numbers(this Tensor tensor)
    {
        using var scope = NewDisposeScope();
        float[] numbers = new float[tensor.numel()];
        TensorMemory.Download(tensor.detach(), numbers);
        return numbers;
    }

    /// <summary>The last row of each sample, from rows [T, D].</summary>
    public static float[][] LastRows(float[] rows, IReadOnlyList<int[]> samples, int width)
    {
        float[][] last = new float[samples.Count][];
        int end = 0;
        for (int i = 0; i < last.Length; i++)
        {
            end += samples[i].Length;
            last[i] = rows[((end - 1) * width)..(end * width)];
        }

        return last;
    }
}
