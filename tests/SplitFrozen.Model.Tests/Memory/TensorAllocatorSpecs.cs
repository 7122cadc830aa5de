using SplitFrozen.Model.Memory;
using SplitFrozen.Model.Tests.Support;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Memory;

/// <summary>libtorch on the pool's memory; the pool is the process's.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class TensorAllocatorSpecs
{
    private const long Count = TensorAllocator.LeastBytes / sizeof(float);

    [Fact(DisplayName = "Large tensors live in the pool and leave it, whichever thread disposes them; small ones never come")]
    public void Should_serve_large_tensors()
    {
        long before = Begin();
        var large = ones(Count);
        using var small = ones(Count - 1);

        Assert.Equal(before + TensorAllocator.LeastBytes, TensorAllocator.Pool.Asked);
        Assert.Equal(Count, large.sum().item<float>());
        var other = new Thread(large.Dispose);
        other.Start();
        other.Join();
        Assert.Equal(before, TensorAllocator.Pool.Asked);
    }

    [Fact(DisplayName = "Views, copies and empty tensors work as ever")]
    public void Should_keep_torchs_ways()
    {
        long before = Begin();
        using (var scope = NewDisposeScope())
        {
            var x = arange(2 * Count, ScalarType.Float32).view(2, Count);
            var copy = x.clone();
            var second = x[1].clone();
            x.zero_();
            Assert.Equal(Count, second[0].item<float>());
            Assert.Equal((2 * Count) - 1, copy[1, Count - 1].item<float>());
            Assert.Equal(0, empty(0).numel());
            Assert.Equal(5, cat([empty(0), ones(5)]).sum().item<float>());
        }

        Assert.Equal(before, TensorAllocator.Pool.Asked);
    }

    [Fact(DisplayName = "The same work again takes no new memory")]
    public void Should_not_grow()
    {
        Begin();
        Work();
        long held = TensorAllocator.Pool.Held;
        for (int i = 0; i < 5; i++)
        {
            Work();
        }

        Assert.Equal(held, TensorAllocator.Pool.Held);

        static void Work()
        {
            using var scope = NewDisposeScope();
            var x = ones(1024, 512, requires_grad: true);
            x.mm(ones(512, 768)).relu().mm(ones(768, 600)).sum().backward();
        }
    }

    /// <summary>Bytes asked for by what lives, once the finalisers of other specs' tensors have run.</summary>
    private static long Begin()
    {
        Assert.True(TensorAllocator.Use());
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return TensorAllocator.Pool.Asked;
    }
}
