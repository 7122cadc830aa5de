using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Products of many rows with matrices of few columns, for ranks that fill whole vectors: a library's kernels are made for square tiles and reach a fraction of what memory gives here.
/// A row's bits depend on that row alone, and a gradient adds up in the order of the rows, however the work is divided among threads.
/// </summary>
internal static unsafe class LowRankKernels
{
    private const int Lanes = 8;
    private const int RowsTogether = 8;
    private const int StepsTogether = 8;

    /// <summary>Beyond this the rows would be read too often, and a library's kernels are good.</summary>
    private const int MostRank = 16;

    /// <summary>Whether the kernels can take such rows with matrices of so many columns.</summary>
    public static bool Takes(Tensor rows, long rank) => rank % Lanes == 0 && rank <= MostRank && TensorMemory.IsPlain(rows);

    /// <summary>h = f · x M.</summary>
    /// <param name="x">[T, K].</param>
    /// <param name="matrix">M [K, r].</param>
    /// <param name="factor">f.</param>
    /// <returns>[T, r].</returns>
    public static Tensor Down(Tensor x, Tensor matrix, float factor)
    {
        var (rows, inner, rank) = (x.shape[0], (int)x.shape[1], (int)matrix.shape[1]);
        var result = empty(rows, rank);
        float* from = Start(x);
        float* with = Start(matrix);
        float* to = Start(result);
        KernelThreads.Run((rows + RowsTogether - 1) / RowsTogether, (long)RowsTogether * inner, (first, end) =>
        {
            for (long row = first * RowsTogether; row < Math.Min(end * RowsTogether, rows); row += RowsTogether)
            {
                for (int column = 0; column < rank; column += Lanes)
                {
                    if (rows - row >= RowsTogether)
                    {
                        DownTogether(from + (row * inner), inner, with + column, rank, to + (row * rank) + column, factor);
                    }
                    else
                    {
                        DownOneByOne(from + (row * inner), (int)(rows - row), inner, with + column, rank, to + (row * rank) + column, factor);
                    }
                }
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(matrix);
        return result;
    }

    /// <summary>G += hᵀ x.</summary>
    /// <param name="h">[T, r].</param>
    /// <param name="x">[T, K].</param>
    /// <param name="gradient">G [r, K], side by side in memory.</param>
    public static void AddGradient(Tensor h, Tensor x, Tensor gradient)
    {
        var (rows, width, rank) = (x.shape[0], (int)x.shape[1], (int)h.shape[1]);
        float* left = Start(h);
        float* right = Start(x);
        float* to = Start(gradient);
        KernelThreads.Run(width / Lanes, Lanes * rows, (first, end) =>
        {
            for (int part = 0; part < rank; part += Lanes)
            {
                AddColumns(left + part, rank, right, width, rows, to + ((nint)part * width), (int)first * Lanes, (int)end * Lanes);
            }
        });
        for (int column = width / Lanes * Lanes; column < width; column++)
        {
            for (long row = 0; row < rows; row++)
            {
                for (int i = 0; i < rank; i++)
                {
                    ref float sum = ref to[((nint)i * width) + column];
                    sum = MathF.FusedMultiplyAdd(left[(row * rank) + i], right[(row * width) + column], sum);
                }
            }
        }

        GC.KeepAlive(h);
        GC.KeepAlive(x);
        GC.KeepAlive(gradient);
    }

    private static float* Start(Tensor tensor) => (float*)TensorMemory.FirstNumber(tensor);

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void DownTogether(float* x, nint pitch, float* matrix, nint rank, float* result, float factor)
    {
        var (s0, s1, s2, s3) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var (s4, s5, s6, s7) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        float* x0 = x;
        float* x1 = x0 + pitch;
        float* x2 = x1 + pitch;
        float* x3 = x2 + pitch;
        float* x4 = x3 + pitch;
        float* x5 = x4 + pitch;
        float* x6 = x5 + pitch;
        float* x7 = x6 + pitch;
        for (nint i = 0; i < pitch; i++)
        {
            var m = Vector256.Load(matrix);
            s0 = Vector256.FusedMultiplyAdd(Vector256.Create(x0[i]), m, s0);
            s1 = Vector256.FusedMultiplyAdd(Vector256.Create(x1[i]), m, s1);
            s2 = Vector256.FusedMultiplyAdd(Vector256.Create(x2[i]), m, s2);
            s3 = Vector256.FusedMultiplyAdd(Vector256.Create(x3[i]), m, s3);
            s4 = Vector256.FusedMultiplyAdd(Vector256.Create(x4[i]), m, s4);
            s5 = Vector256.FusedMultiplyAdd(Vector256.Create(x5[i]), m, s5);
            s6 = Vector256.FusedMultiplyAdd(Vector256.Create(x6[i]), m, s6);
            s7 = Vector256.FusedMultiplyAdd(Vector256.Create(x7[i]), m, s7);
            matrix += rank;
        }

        (s0 * factor).Store(result);
        (s1 * factor).Store(result + rank);
        (s2 * factor).Store(result + (2 * rank));
        (s3 * factor).Store(result + (3 * rank));
        (s4 * factor).Store(result + (4 * rank));
        (s5 * factor).Store(result + (5 * rank));
        (s6 * factor).Store(result + (6 * rank));
        (s7 * factor).Store(result + (7 * rank));
    }

    private static void DownOneByOne(float* x, int rows, nint pitch, float* matrix, nint rank, float* result, float factor)
    {
        for (int row = 0; row < rows; row++)
        {
            var sum = Vector256<float>.Zero;
            for (nint i = 0; i < pitch; i++)
            {
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[i]), Vector256.Load(matrix + (i * rank)), sum);
            }

            (sum * factor).Store(result);
            x += pitch;
            result += rank;
        }
    }

    /// <summary>Eight rows of the gradient, between two columns: rows of x are read in their order, a few at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void AddColumns(float* h, nint rank, float* x, nint width, long rows, float* gradient, int from, int to)
    {
        for (long row = 0; row < rows; row += StepsTogether)
        {
            float* a = h + (row * rank);
            float* b = x + (row * width);
            int steps = (int)Math.Min(StepsTogether, rows - row);
            for (nint column = from; column < to; column += Lanes)
            {
                float* g = gradient + column;
                var (g0, g1, g2, g3) = (Vector256.Load(g), Vector256.Load(g + width), Vector256.Load(g + (2 * width)), Vector256.Load(g + (3 * width)));
                float* lower = g + (4 * width);
                var (g4, g5, g6, g7) = (Vector256.Load(lower), Vector256.Load(lower + width), Vector256.Load(lower + (2 * width)), Vector256.Load(lower + (3 * width)));
                for (int step = 0; step < steps; step++)
                {
                    var value = Vector256.Load(b + (step * width) + column);
                    float* w = a + (step * rank);
                    g0 = Vector256.FusedMultiplyAdd(Vector256.Create(w[0]), value, g0);
                    g1 = Vector256.FusedMultiplyAdd(Vector256.Create(w[1]), value, g1);
                    g2 = Vector256.FusedMultiplyAdd(Vector256.Create(w[2]), value, g2);
                    g3 = Vector256.FusedMultiplyAdd(Vector256.Create(w[3]), value, g3);
                    g4 = Vector256.FusedMultiplyAdd(Vector256.Create(w[4]), value, g4);
                    g5 = Vector256.FusedMultiplyAdd(Vector256.Create(w[5]), value, g5);
                    g6 = Vector256.FusedMultiplyAdd(Vector256.Create(w[6]), value, g6);
                    g7 = Vector256.FusedMultiplyAdd(Vector256.Create(w[7]), value, g7);
                }

                g0.Store(g);
                g1.Store(g + width);
                g2.Store(g + (2 * width));
                g3.Store(g + (3 * width));
                g4.Store(lower);
                g5.Store(lower + width);
                g6.Store(lower + (2 * width));
                g7.Store(lower + (3 * width));
            }
        }
    }
}
