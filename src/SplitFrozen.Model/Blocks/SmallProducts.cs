using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Products of matrices that fit a core's cache, such as those of one head of one sample, where a library's call costs more than its work. Every number of the
/// result adds up in the order of the inner index, whatever the sizes.
/// </summary>
internal static unsafe class SmallProducts
{
    /// <summary>Columns of B and C come in multiples of this.</summary>
    public const int Lanes = 8;

    private const int TileRows = 4;
    private const int TileColumns = 2 * Lanes;

    /// <summary>C = A B, or C += A B.</summary>
    /// <param name="a">A, [m, k].</param>
    /// <param name="b">B, [k, n].</param>
    /// <param name="bRow">Numbers from one row of B to the next.</param>
    /// <param name="c">C, [m, n].</param>
    /// <param name="cRow">Numbers from one row of C to the next.</param>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C, a multiple of <see cref="Lanes"/>.</param>
    /// <param name="k">Inner size, at least 1.</param>
    /// <param name="adds">Whether C is added to.</param>
    public static void Run(Operand a, float* b, nint bRow, float* c, nint cRow, int m, int n, int k, bool adds)
    {
        int row = 0;
        for (; row + TileRows <= m; row += TileRows)
        {
            int column = 0;
            for (; column + TileColumns <= n; column += TileColumns)
            {
                FourByTwo(a.From(row), b + column, bRow, c + (row * cRow) + column, cRow, k, adds);
            }

            if (column < n)
            {
                FourByOne(a.From(row), b + column, bRow, c + (row * cRow) + column, cRow, k, adds);
            }
        }

        for (; row < m; row++)
        {
            for (int column = 0; column < n; column += Lanes)
            {
                OneByOne(a.From(row), b + column, bRow, c + (row * cRow) + column, k, adds);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByTwo(Operand a, float* b, nint bRow, float* c, nint cRow, int k, bool adds)
    {
        Vector256<float> c00, c01, c10, c11, c20, c21, c30, c31;
        if (adds)
        {
            (c00, c01) = (Vector256.Load(c), Vector256.Load(c + Lanes));
            (c10, c11) = (Vector256.Load(c + cRow), Vector256.Load(c + cRow + Lanes));
            (c20, c21) = (Vector256.Load(c + (2 * cRow)), Vector256.Load(c + (2 * cRow) + Lanes));
            (c30, c31) = (Vector256.Load(c + (3 * cRow)), Vector256.Load(c + (3 * cRow) + Lanes));
        }
        else
        {
            c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = Vector256<float>.Zero;
        }

        float* a0 = a.Start;
        float* a1 = a0 + a.Row;
        float* a2 = a1 + a.Row;
        float* a3 = a2 + a.Row;
        for (int i = 0; i < k; i++)
        {
            var b0 = Vector256.Load(b);
            var b1 = Vector256.Load(b + Lanes);
            var x = Vector256.Create(*a0);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            x = Vector256.Create(*a1);
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            x = Vector256.Create(*a2);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            x = Vector256.Create(*a3);
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
            a0 += a.Column;
            a1 += a.Column;
            a2 += a.Column;
            a3 += a.Column;
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
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByOne(Operand a, float* b, nint bRow, float* c, nint cRow, int k, bool adds)
    {
        for (int row = 0; row < TileRows; row++)
        {
            OneByOne(a.From(row), b, bRow, c + (row * cRow), k, adds);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByOne(Operand a, float* b, nint bRow, float* c, int k, bool adds)
    {
        var sum = adds ? Vector256.Load(c) : Vector256<float>.Zero;
        float* x = a.Start;
        for (int i = 0; i < k; i++)
        {
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(*x), Vector256.Load(b), sum);
            x += a.Column;
            b += bRow;
        }

        sum.Store(c);
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

        /// <summary>The rows from one on.</summary>
        public Operand From(int first) => new(start + (first * row), row, column);
    }
}
