using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Where heads of rows lie in memory, and how they are copied: in a tensor a head's rows lie a row of all heads apart, often a power of two times a few, so that they share few lines of
/// a core's cache; kernels work on copies.
/// </summary>
/// <param name="start">Row 0, head 0.</param>
/// <param name="row">Numbers from one row to the next.</param>
/// <param name="head">Numbers from one head to the next.</param>
/// <param name="width">Numbers of a head, a multiple of <see cref="SmallProducts.Lanes"/>.</param>
internal readonly unsafe struct HeadRows(float* start, nint row, nint head, int width)
{
    /// <summary>Of a tensor [T, H, Dh] of float32 in main memory with any strides over rows and heads; the caller keeps it alive.</summary>
    public static HeadRows Of(Tensor heads) =>
        new((float*)TensorMemory.FirstNumber(heads), (nint)heads.stride(0), (nint)heads.stride(1), (int)heads.shape[2]);

    /// <summary>Copies rows of a head to rows of a pitch; columns up to the pitch and rows up to <paramref name="padded"/> become 0.</summary>
    public void CopyTo(float* target, int pitch, long first, int count, int padded, long ofHead)
    {
        float* source = At(first, ofHead);
        for (int i = 0; i < count; i++)
        {
            Copy(source, target, width);
            for (int column = width; column < pitch; column += SmallProducts.Lanes)
            {
                Vector256<float>.Zero.Store(target + column);
            }

            source += row;
            target += pitch;
        }

        new Span<float>(target, (padded - count) * pitch).Clear();
    }

    /// <summary>Copies rows of a head, times a factor, to columns of rows of a pitch; columns up to <paramref name="padded"/> become 0.</summary>
    public void CopyAcross(float* target, int pitch, long first, int count, int padded, long ofHead, float factor)
    {
        const int Together = 4;
        int whole = count / Together * Together;
        for (int i = 0; i < width; i++)
        {
            for (int column = whole; column < padded; column += Together)
            {
                Vector128<float>.Zero.Store(target + ((nint)i * pitch) + column);
            }
        }

        for (int column = 0; column < whole; column += Together)
        {
            float* a = At(first + column, ofHead);
            float* b = a + row;
            float* c = b + row;
            float* d = c + row;
            for (int i = 0; i < width; i++)
            {
                (Vector128.Create(a[i], b[i], c[i], d[i]) * factor).Store(target + ((nint)i * pitch) + column);
            }
        }

        for (int column = whole; column < count; column++)
        {
            float* source = At(first + column, ofHead);
            for (int i = 0; i < width; i++)
            {
                target[((nint)i * pitch) + column] = source[i] * factor;
            }
        }
    }

    /// <summary>Copies rows of a pitch to rows of a head.</summary>
    public void CopyFrom(float* source, int pitch, long first, int count, long ofHead)
    {
        float* target = At(first, ofHead);
        for (int i = 0; i < count; i++)
        {
            Copy(source, target, width);
            source += pitch;
            target += row;
        }
    }

    private static void Copy(float* source, float* target, int width)
    {
        for (int i = 0; i < width; i += SmallProducts.Lanes)
        {
            Vector256.Load(source + i).Store(target + i);
        }
    }

    private float* At(long ofRow, long ofHead) => start + (ofRow * row) + (ofHead * head);
}
