using FsCheck.Xunit;
using SplitFrozen.Model.Memory;

namespace SplitFrozen.Model.Tests.Memory;

public sealed class BlockPoolSpecs
{
    private readonly Addresses _source = new();

    [Property(DisplayName = "Blocks in use are large enough and do not overlap, and little more is held than ever was in use")]
    public void Should_hold_its_promises((ushort Bytes, byte Victim, bool Returns)[] steps)
    {
        var source = new Addresses();
        var pool = new BlockPool(source);
        var used = new List<(nint Address, long Bytes)>();
        foreach (var (bytes, victim, returns) in steps)
        {
            if (returns && used.Count > 0)
            {
                Assert.True(pool.Return(used[victim % used.Count].Address));
                used.RemoveAt(victim % used.Count);
            }
            else
            {
                used.Add((pool.Rent(bytes + 1L), bytes + 1L));
            }

            Assert.All(used, block => Assert.True(source.Held[block.Address] >= block.Bytes));
            Assert.Equal(used.Count, used.DistinctBy(block => block.Address).Count());
            Assert.Equal(used.Sum(block => block.Bytes), pool.Asked);
            Assert.Equal(used.Sum(block => source.Held[block.Address]), pool.Live);
            Assert.Equal(source.Held.Values.Sum(), pool.Held);
            Assert.True(pool.Held <= BlockPool.Slack * pool.Peak);
        }
    }

    [Property(DisplayName = "A block is at most an eighth larger than what was asked for, and sizes are stable")]
    public void Should_round_up_little(uint bytes)
    {
        long size = BlockPool.SizeOf(bytes + 1L);
        Assert.InRange(size, bytes + 1L, (bytes + 1L) * 9 / 8);
        Assert.Equal(size, BlockPool.SizeOf(size));
    }

    [Fact(DisplayName = "The same sizes again take nothing from the system")]
    public void Should_use_blocks_again()
    {
        var pool = new BlockPool(_source);
        long[] sizes = [5_000_000, 12_582_912, 1 << 21, 12_582_912];
        for (int step = 0; step < 5; step++)
        {
            nint[] blocks = [.. sizes.Select(pool.Rent)];
            Assert.All(blocks, block => Assert.True(pool.Return(block)));
        }

        Assert.Equal(sizes.Length, _source.Taken);
        Assert.Equal((0, 0), (pool.Asked, pool.Live));
    }

    [Fact(DisplayName = "Where the system has no more, idle blocks of other sizes are given back for it; then the answer is 0")]
    public void Should_make_room()
    {
        _source.Limit = 1000;
        var pool = new BlockPool(_source);
        Assert.True(pool.Return(pool.Rent(600)));
        nint block = pool.Rent(700);

        Assert.NotEqual(0, block);
        Assert.Equal(0, pool.Rent(600));
        Assert.Equal(BlockPool.SizeOf(700), pool.Held);
        Assert.True(pool.Return(block));
    }

    [Fact(DisplayName = "Settling gives idle blocks back and lets the peak begin anew; blocks in use stay")]
    public void Should_settle()
    {
        var pool = new BlockPool(_source);
        nint block = pool.Rent(100);
        Assert.True(pool.Return(pool.Rent(5000)));
        pool.Settle();

        Assert.Equal(BlockPool.SizeOf(100), pool.Held);
        Assert.Equal(pool.Live, pool.Peak);
        Assert.True(pool.Return(block));
    }

    [Fact(DisplayName = "What is not the pool's is not taken back, nor is a block twice")]
    public void Should_refuse_what_is_not_its_own()
    {
        var pool = new BlockPool(_source);
        nint block = pool.Rent(100);

        Assert.False(pool.Return(block + 1));
        Assert.True(pool.Return(block));
        Assert.False(pool.Return(block));
        Assert.Equal(0, pool.Live);
    }

    [Fact(DisplayName = "Mapped memory can be written to its last byte and begins at a huge page")]
    public unsafe void Should_map_memory()
    {
        var memory = new MappedMemory();
        foreach (long bytes in new[] { 1L, 4096, (1 << 20) + 1, (1 << 21) + 4097, 5 << 20 })
        {
            nint address = memory.Take(bytes);
            Assert.NotEqual(0, address);
            Assert.Equal(0, address % (1 << 21));
            var all = new Span<byte>((void*)address, (int)bytes);
            all.Fill(7);
            Assert.Equal(bytes, all.Count((byte)7));
            memory.GiveBack(address, bytes);
        }
    }

    private sealed class Addresses : IBlockSource
    {
        private nint _next = 1 << 20;

        public Dictionary<nint, long> Held { get; } = [];

        public int Taken { get; private set; }

        public long Limit { get; set; } = long.MaxValue;

        public nint Take(long bytes)
        {
            if (Held.Values.Sum() + bytes > Limit)
            {
                return 0;
            }

            Taken++;
            nint address = _next;
            _next += (nint)bytes;
            Held.Add(address, bytes);
            return address;
        }

        public void GiveBack(nint address, long bytes)
        {
            Assert.Equal(bytes, Held[address]);
            Held.Remove(address);
        }
    }
}
