using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Tests.Support;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Blocks;

/// <summary>An adapter's products by kernels of our own, against torch's; they use the process's number of threads.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class LowRankSpecs
{
    [Theory(DisplayName = "Values and gradients of y + f · B A x are torch's, for any numbers of rows and columns")]
    [InlineData(1, 8, 8, 8)]
    [InlineData(7, 24, 16, 8)]
    [InlineData(8, 13, 21, 8)]
    [InlineData(45, 96, 288, 16)]
    [InlineData(300, 192, 576, 8)]
    public void Should_be_torchs_products(int rows, int inputs, int outputs, int rank)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (randn(rank, inputs), randn(outputs, rank));
        var x = randn(rows, inputs, requires_grad: true);
        var frozen = randn(inputs, outputs);
        Assert.True(LowRankKernels.Takes(x, rank));

        var h = Products.Down(x, a);
        var y = Products.Up(x.mm(frozen), h, b, 0.5f);
        var expectedH = x.mm(a.t());
        var expected = x.mm(frozen) + (0.5 * expectedH.mm(b.t()));
        Near.Equal(expectedH, h);
        Near.Equal(expected, y);

        var seed = randn_like(y);
        var found = autograd.grad([y], [h, y, x], [seed]);
        var wanted = autograd.grad([expected], [expectedH, expected, x], [seed]);
        foreach (var (theirs, ours) in wanted.Zip(found))
        {
            Near.Equal(theirs, ours);
        }

        using var _ = no_grad();
        var sum = randn(rank, inputs);
        Near.Equal(sum + found[0].t().mm(x), Added(sum, found[0], x));
        Near.Equal(expected, Products.Up(x.mm(frozen), Products.Down(x, a), b, 0.5f));
    }

    [Fact(DisplayName = "A row's bits do not depend on the rows beside it, nor a gradient's on how columns are divided")]
    public void Should_give_equal_bits()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (x, a) = (randn(2003, 96), randn(8, 96));
        float[] all = Products.Down(x, a).Numbers();
        foreach (int start in (int[])[0, 3, 8, 1990])
        {
            int count = Math.Min(13, 2003 - start);
            float[] some = Products.Down(x.narrow(0, start, count), a).Numbers();
            Assert.Equal(all[(start * 8)..((start + count) * 8)], some);
        }

        // Few columns are one thread's, many are shared out.
        var h = randn(2003, 8);
        float[] whole = Added(zeros(8, 96), h, x).Numbers();
        float[] part = Added(zeros(8, 16), h, x.narrow(1, 40, 16).contiguous()).Numbers();
        for (int row = 0; row < 8; row++)
        {
            Assert.Equal(whole[((row * 96) + 40)..((row * 96) + 56)], part[(row * 16)..((row + 1) * 16)]);
        }
    }

    [Fact(DisplayName = "Ranks that fill no whole vectors or are large are left to torch")]
    public void Should_leave_other_ranks()
    {
        using var scope = NewDisposeScope();
        var x = randn(5, 16);
        Assert.All((int[])[1, 4, 12, 24, 64], rank =>
        {
            Assert.False(LowRankKernels.Takes(x, rank));
            var a = randn(rank, 16);
            Near.Equal(x.mm(a.t()), Products.Down(x, a));
        });
    }

    private static Tensor Added(Tensor sum, Tensor h, Tensor x)
    {
        var result = sum.clone();
        Products.AddGradient(result, h, x);
        return result;
    }
}
