using System.Buffers;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Tests.Support;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Blocks;

/// <summary>The attention kernels against torch's, sample by sample; they use the process's number of threads.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class CausalAttentionSpecs
{
    [Theory(DisplayName = "Values and gradients are torch's, for any lengths, groups and widths")]
    [InlineData(1, 1, 8, new[] { 1 })]
    [InlineData(2, 2, 8, new[] { 1, 2, 3 })]
    [InlineData(4, 2, 16, new[] { 15, 16, 17 })]
    [InlineData(9, 3, 64, new[] { 31, 32, 33, 100 })]
    [InlineData(6, 6, 32, new[] { 128, 128 })]
    [InlineData(3, 1, 24, new[] { 300, 1, 64 })]
    [InlineData(2, 2, 40, new[] { 5, 6, 7, 47, 48, 49 })]
    [InlineData(2, 1, 128, new[] { 54, 96, 97 })]
    public void Should_be_torchs_attention(int heads, int groups, int width, int[] lengths)
    {
        using var scope = NewDisposeScope();
        var layout = new RaggedLayout(lengths, 1024, CPU);
        var (query, key, value) = (Inputs(layout, heads, width, 1), Inputs(layout, groups, width, 2), Inputs(layout, groups, width, 3));
        Assert.True(CausalAttention.Takes(query));
        var ours = CausalAttention.Run(query, key, value, layout);
        var theirs = Torchs(query, key, value, layout);
        var seed = randn_like(ours);

        Near.Equal(theirs, ours);
        Near.Equal(theirs, Inferred(query, key, value, layout));
        foreach (var (wanted, found) in autograd.grad([theirs], [query, key, value], [seed]).Zip(autograd.grad([ours], [query, key, value], [seed])))
        {
            Near.Equal(wanted, found);
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

        Near.Equal(theirs, ours);
        var gradient = autograd.grad([ours], [fused], [seed], retain_graph: true)[0];
        Near.Equal(autograd.grad([theirs], [fused], [seed], retain_graph: true)[0], gradient);

        var together = FusedAttention.Run(fused, layout);
        Assert.Equal(ours.data<float>().ToArray(), together.data<float>().ToArray());
        Assert.Equal(gradient.contiguous().data<float>().ToArray(), autograd.grad([together], [fused], [seed])[0].data<float>().ToArray());
    }

    [Fact(DisplayName = "A sample's bits, those of its gradients too, depend neither on its company, nor on the number of threads, nor on what memory held before")]
    public void Should_depend_on_the_sample_alone()
    {
        using var scope = NewDisposeScope();
        int threads = TorchRuntime.Threads;
        var layout = new RaggedLayout([40, 3, 65], 1024, CPU);
        Tensor[] inputs = [Inputs(layout, 4, 16, 1), Inputs(layout, 2, 16, 2), Inputs(layout, 2, 16, 3)];
        var seed = randn([layout.Rows, 64], generator: new Generator(4));
        try
        {
            TorchRuntime.UseThreads(3);
            var together = All(inputs, seed, layout);
            TorchRuntime.UseThreads(1);
            Poison();
            Assert.Equal(together.Select(Numbers), All(inputs, seed, layout).Select(Numbers));
            var alone = All([.. inputs.Select(Last)], Last(seed), new RaggedLayout([65], 1024, CPU));
            Assert.Equal(together.Select(t => Numbers(Last(t))), alone.Select(Numbers));
        }
        finally
        {
            TorchRuntime.UseThreads(threads);
        }

        static Tensor Last(Tensor rows) => rows.narrow(0, 43, 65);
        static float[] Numbers(Tensor rows) => rows.detach().contiguous().data<float>().ToArray();
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

    /// <summary>The output and the gradients of queries, keys and values.</summary>
    private static Tensor[] All(Tensor[] inputs, Tensor seed, RaggedLayout layout)
    {
        var output = CausalAttention.Run(inputs[0], inputs[1], inputs[2], layout);
        return [output, .. autograd.grad([output], inputs, [seed])];
    }

    /// <summary>What this thread borrows next from the pool of arrays holds no numbers.</summary>
    private static void Poison()
    {
        for (int size = 1 << 12; size <= 1 << 20; size <<= 1)
        {
            float[] memory = ArrayPool<float>.Shared.Rent(size);
            Array.Fill(memory, float.NaN);
            ArrayPool<float>.Shared.Return(memory);
        }
    }

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
}
