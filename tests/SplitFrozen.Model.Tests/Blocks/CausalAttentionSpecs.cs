using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Tests.Support;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Blocks;

/// <summary>The attention kernels against torch's, sample by sample; they use the process's number of threads.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class CausalAttentionSpecs
{
    private const double Tolerance = 1e-5;

    [Theory(DisplayName = "Values and gradients are torch's, for any lengths, groups and widths")]
    [InlineData(1, 1, 8, new[] { 1 })]
    [InlineData(2, 2, 8, new[] { 1, 2, 3 })]
    [InlineData(4, 2, 16, new[] { 15, 16, 17 })]
    [InlineData(9, 3, 64, new[] { 31, 32, 33, 100 })]
    [InlineData(6, 6, 32, new[] { 128, 128 })]
    [InlineData(3, 1, 24, new[] { 300, 1, 64 })]
    public void Should_be_torchs_attention(int heads, int groups, int width, int[] lengths)
    {
        using var scope = NewDisposeScope();
        var layout = new RaggedLayout(lengths, 1024, CPU);
        var (query, key, value) = (Inputs(layout, heads, width, 1), Inputs(layout, groups, width, 2), Inputs(layout, groups, width, 3));
        Assert.True(CausalAttention.Takes(query));
        var ours = CausalAttention.Run(query, key, value, layout);
        var theirs = Torchs(query, key, value, layout);
        var seed = randn_like(ours);

        Near(theirs, ours);
        Near(theirs, Inferred(query, key, value, layout));
        foreach (var (wanted, found) in autograd.grad([theirs], [query, key, value], [seed]).Zip(autograd.grad([ours], [query, key, value], [seed])))
        {
            Near(wanted, found);
        }
    }

    [Fact(DisplayName = "Queries, keys and values may lie in one fused tensor")]
    public void Should_read_fused_rows()
    {
        using var scope = NewDisposeScope();
        var layout = new RaggedLayout([20, 7], 64, CPU);
        var fused = randn([27, 3, 4, 16], requires_grad: true);
        var parts = fused.unbind(1);
        var ours = CausalAttention.Run(parts[0], parts[1], parts[2], layout);
        var theirs = Torchs(parts[0], parts[1], parts[2], layout);
        var seed = randn_like(ours);

        Near(theirs, ours);
        var gradient = autograd.grad([ours], [fused], [seed], retain_graph: true)[0];
        Near(autograd.grad([theirs], [fused], [seed], retain_graph: true)[0], gradient);

        var together = FusedAttention.Run(fused, layout);
        Assert.Equal(ours.data<float>().ToArray(), together.data<float>().ToArray());
        Assert.Equal(gradient.contiguous().data<float>().ToArray(), autograd.grad([together], [fused], [seed])[0].data<float>().ToArray());
    }

    [Fact(DisplayName = "A sample's bits depend neither on its company nor on the number of threads")]
    public void Should_depend_on_the_sample_alone()
    {
        using var scope = NewDisposeScope();
        int threads = TorchRuntime.Threads;
        var layout = new RaggedLayout([40, 3, 65], 1024, CPU);
        var (query, key, value) = (Inputs(layout, 4, 16, 1), Inputs(layout, 2, 16, 2), Inputs(layout, 2, 16, 3));
        try
        {
            TorchRuntime.UseThreads(3);
            var together = Inferred(query, key, value, layout);
            TorchRuntime.UseThreads(1);
            Assert.Equal(together.data<float>().ToArray(), Inferred(query, key, value, layout).data<float>().ToArray());
            var alone = Inferred(query.narrow(0, 43, 65), key.narrow(0, 43, 65), value.narrow(0, 43, 65), new RaggedLayout([65], 1024, CPU));
            Assert.Equal(together.narrow(0, 43, 65).contiguous().data<float>().ToArray(), alone.data<float>().ToArray());
        }
        finally
        {
            TorchRuntime.UseThreads(threads);
        }
    }

    [Fact(DisplayName = "Large scores overflow nothing, and heads of other widths are left to torch")]
    public void Should_stay_finite()
    {
        using var scope = NewDisposeScope();
        var layout = new RaggedLayout([50], 64, CPU);
        var query = Inputs(layout, 2, 16, 1).detach() * 1e4f;
        var result = Inferred(query, query, query, layout);

        Assert.True(result.isfinite().all().item<bool>());
        Assert.False(CausalAttention.Takes(randn(50, 2, 12)));
        Assert.Equal([50L, 24L], RaggedAttention.Run(randn(50, 2, 12), randn(50, 2, 12), randn(50, 2, 12), layout).shape);
    }

    private static Tensor Inputs(RaggedLayout layout, int heads, int width, long seed) =>
        randn([layout.Rows, heads, width], generator: new Generator((ulong)seed), requires_grad: true);

    private static Tensor Inferred(Tensor query, Tensor key, Tensor value, RaggedLayout layout)
    {
        using var _ = no_grad();
        return CausalAttention.Run(query, key, value, layout);
    }

    private static Tensor Torchs(Tensor query, Tensor key, Tensor value, RaggedLayout layout)
    {
        long width = query.shape[1] * query.shape[2];
        var (queries, keys, values) = (Split(query), Split(RaggedAttention.Repeated(key, query.shape[1])), Split(RaggedAttention.Repeated(value, query.shape[1])));
        return cat([.. queries.Select((q, i) => nn.functional.scaled_dot_product_attention(q, keys[i], values[i], is_casual: true).transpose(0, 1).reshape(-1, width))]);

        Tensor[] Split(Tensor rows) => [.. rows.split(layout.Lengths).Select(part => part.transpose(0, 1))];
    }

    private static void Near(Tensor expected, Tensor found) =>
        Assert.InRange((expected - found).abs().max().item<float>(), 0, Tolerance * Math.Max(1, expected.abs().max().item<float>()));
}
