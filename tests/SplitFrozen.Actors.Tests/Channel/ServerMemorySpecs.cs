using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Channel;

public sealed class ServerMemorySpecs
{
    private const int SampleTokens = 64;
    private const int Width = 16;
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);
    private static readonly long Sample = ServerMemory.SampleBytes(SampleTokens, Width);

    [Fact(DisplayName = "Who finds no room waits until some is released")]
    public async Task Should_wait_for_room()
    {
        var memory = new ServerMemory(2 * Sample, Sample);
        memory.Open(new GrantId(0, 0), 4);
        var first = memory.Rent(Header(0, samples: 1), default);
        using var second = memory.Rent(Header(0, samples: 1), default);
        var third = Task.Run(() => memory.Rent(Header(0, samples: 1), default));
        first.Placed(1);
        first.Dispose();

        using var got = await third.WaitAsync(Long);
        Assert.InRange(memory.HeldBytes, 1, 2 * Sample);
        Assert.InRange(memory.PooledBytes, 1, 2 * Sample);
    }

    [Fact(DisplayName = "A younger grant leaves room for all that is missing of an older one")]
    public async Task Should_keep_room_for_the_grant_that_training_waits_for()
    {
        var memory = new ServerMemory(4 * Sample, Sample);
        memory.Open(new GrantId(0, 0), 3);
        memory.Open(new GrantId(0, 1), 3);
        using var young = memory.Rent(Header(1, samples: 1), default);
        var tooMany = Task.Run(() => memory.Rent(Header(1, samples: 1), default));
        var old = new List<ActivationUnit>();
        for (var i = 0; i < 3; i++)
        {
            // The younger grant's second unit waits, or comes after: either way the older grant's third finds room.
            old.Add(await Task.Run(() => memory.Rent(Header(0, samples: 1), default)).WaitAsync(Long));
        }

        Assert.False(tooMany.IsCompleted);
        old[0].Placed(1);
        old[0].Dispose();
        Assert.False(tooMany.IsCompleted);
        old[1].Placed(1);
        old[2].Placed(1);
        using var got = await tooMany.WaitAsync(Long);
        old.ForEach(u => u.Dispose());
    }

    [Fact(DisplayName = "A connection that is closed while it waits lets the next one have its turn")]
    public async Task Should_end_waiting_when_closed()
    {
        var memory = new ServerMemory(Sample, Sample);
        memory.Open(new GrantId(0, 0), 4);
        var holder = memory.Rent(Header(0, samples: 1), default);
        using var closed = new CancellationTokenSource();
        var gone = Task.Run(() => memory.Rent(Header(0, samples: 1), closed.Token));
        var next = Task.Run(() => memory.Rent(Header(0, samples: 1), default));
        await closed.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => gone.WaitAsync(Long));
        holder.Dispose();
        using var got = await next.WaitAsync(Long);
    }

    [Fact(DisplayName = "A unit above the limit, or of a grant that did not go out, is refused")]
    public void Should_refuse_what_can_never_have_room()
    {
        var memory = new ServerMemory(2 * Sample, Sample);
        memory.Open(new GrantId(0, 0), 4);

        Assert.Equal(FrameFault.BadSizes, Assert.Throws<FrameException>(() => memory.Rent(Header(0, samples: 3), default)).Fault);
        Assert.Equal(FrameFault.NotGranted, Assert.Throws<FrameException>(() => memory.Rent(Header(1, samples: 1), default)).Fault);
    }

    [Fact(DisplayName = "Buffers are used again, and idle ones make way for another size")]
    public void Should_reuse_buffers_within_the_limit()
    {
        var pool = new ActivationPool(limit: 40_000);
        var array = pool.Rent(5_000);
        pool.Return(array);
        Assert.Same(array, pool.Rent(4_900));
        pool.Return(array);

        pool.Return(pool.Rent(9_000));
        Assert.InRange(pool.HeldBytes, 1, 40_000);
        Assert.All(Enumerable.Range(1, 20_000), length => Assert.InRange(ActivationPool.Bytes(length), 4L * length, (4L * length * 9 / 8) + 4));
    }

    private static UnitHeader Header(int grant, int samples) => new(
        new DeviceId("a"), new Incarnation(1), new AllocationEpoch(1), new GrantId(0, grant), 0, 1, Width,
        [.. Enumerable.Range(0, samples)], [.. Enumerable.Repeat(SampleTokens, samples)], new int[samples]);
}
