using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Products of matrices that fit a core's cache, such as those of one head of one sample, where a library's call costs more than its work. Six rows are taken at a time, as many as
/// the registers of AVX2 hold sums for. Every number of the result adds up in the order of the inner index, whatever the sizes.
/// </summary>
internal static unsafe class SmallProducts
{
    /// <summary>Numbers of a vector.</summary>
    public const int Lanes = 8;

    /// <summary>Rows of A and C.</summary>
    public const int Rows = 6;

    /// <summary>Columns of B and C come in multiples of this.</summary>
    public const int Columns = 2 * Lanes;

    /// <summary>C = A B, or C += A B, of <see cref="Rows"/> rows.</summary>
    /// <param name="a">A, [6, k].</param>
    /// <param name="b">B, [k, n].</param>
    /// <param name="bRow">Numbers from one row of B to the next.</param>
    /// <param name="c">C, [6, n].</param>
    /// <param name="cRow">Numbers from one row of C to the next.</param>
    /// <param name="n">Columns of B and C, a multiple of <see cref="Columns"/>.</param>
    /// <param name="k">Inner size.</param>
    /// <param name="adds">Whether C is added to.</param>
    public static void Run(Operand a, float* b, nint bRow, float* c, nint cRow, int n, int k, bool adds)
    {
        for (int column = 0; column < n; column += Columns)
        {
            Tile(a, b + column, bRow, c + column, cRow, k, adds);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Tile(Operand a, float* b, nint bRow, float* c, nint cRow, int k, bool adds)
    {
        Vector256<float> c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51;
        if (adds)
        {
            (c00, c01) = (Vector256.Load(c), Vector256.Load(c + Lanes));
            (c10, c11) = (Vector256.Load(c + cRow), Vector256.Load(c + cRow + Lanes));
            (c20, c21) = (Vector256.Load(c + (2 * cRow)), Vector256.Load(c + (2 * cRow) + Lanes));
            (c30, c31) = (Vector256.Load(c + (3 * cRow)), Vector256.Load(c + (3 * cRow) + Lanes));
            (c40, c41) = (Vector256.Load(c + (4 * cRow)), Vector256.Load(c + (4 * cRow) + Lanes));
            (c50, c51) = (Vector256.Load(c + (5 * cRow)), Vector256.Load(c + (5 * cRow) + Lanes));
        }
        else
        {
            c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = c40 = c41 = c50 = c51 = Vector256<float>.Zero;
        }

        float* a0 = a.Start;
        float* a1 = a0 + a.Row;
        float* a2 = a1 + a.Row;
        float* a3 = a2 + a.Row;
        float* a4 = a3 + a.Row;
        float* a5 = a4 + a.Row;
        nint column = 0;
        for (int i = 0; i < k; i++)
        {
            var b0 = Vector256.Load(b);
            var b1 = Vector256.Load(b + Lanes);
            var x = Vector256.Create(a0[column]);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            x = Vector256.Create(a1[column]);
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            x = Vector256.Create(a2[column]);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            x = Vector256.Create(a3[column]);
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
            x = Vector256.Create(a4[column]);
            c40 = Vector256.FusedMultiplyAdd(x, b0, c40);
            c41 = Vector256.FusedMultiplyAdd(x, b1, c41);
            x = Vector256.Create(a5[column]);
            c50 = Vector256.FusedMultiplyAdd(x, b0, c50);
            c51 = Vector256.FusedMultiplyAdd(x, b1, c51);
            column += a.Column;
            b += bRow;
        }

        c00.Store(c);
        c01.Store(c + Lanes);
        c10.Store(c + cRow);
        c11.Store(c + cRow + Lanes);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + Lanes);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + Lanes);
        c40.Store(c + (4 * cRow));
        c41.Store(c + (4 * cRow) + Lanes);
        c50.Store(c + (5 * cRow));
        c51.Store(c + (5 * cRow) + Lanes);
    }

    /// <summary>A left operand with any strides, so that a transposed one needs no copy.</summary>
    /// <param name="start">Its first number.</param>
    /// <param name="row">Numbers from one row to the next.</param>
    /// <param name="column">Numbers from one column to the next.</param>
    public readonly struct Operand(float* start, nint row, nint column)
    {
        /// <summary>Its first number.</summary>
        public float* Start => start;

        /// <summary>Numbers from one row to the next.</summary>
        public nint Row => row;

        /// <summary>Numbers from one column to the next.</summary>
        public nint Column => column;
    }
}
