using System.Numerics;

namespace SplitFrozen.Model.Memory;

/// <summary>
/// Memory of large tensors, for use again: a training step asks for the same sizes as the one before, and memory that goes back to the system in between is cleared
/// page by page when it returns. Sizes are rounded up to eighths of powers of two, so that ragged batches find blocks too; what is held beyond the most that
/// was ever in use at a time is bounded. Safe for any number of threads.
/// </summary>
/// <param name="source">Where blocks come from.</param>
internal sealed class BlockPool(IBlockSource source)
{
    /// <summary>Parts of a power of two that sizes are rounded up to.</summary>
    public const int Steps = 8;

    /// <summary>What may be held, as a multiple of the most that was in use.</summary>
    public const double Slack = 1.25;

    private readonly Lock _lock = new();
    private readonly Dictionary<nint, (long Size, long Asked)> _inUse = [];
    private readonly Dictionary<long, IdleBlocks> _idle = [];
    private long _turn;

    /// <summary>Bytes in use, as they were asked for.</summary>
    public long Asked { get; private set; }

    /// <summary>Bytes in use, as blocks have them.</summary>
    public long Live { get; private set; }

    /// <summary>The most bytes that were in use at a time, since <see cref="Settle"/> if it was called.</summary>
    public long Peak { get; private set; }

    /// <summary>Bytes in use and waiting for use.</summary>
    public long Held { get; private set; }

    /// <summary>The size of the block that so many bytes get.</summary>
    public static long SizeOf(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        long step = Math.Max(1, (long)BitOperations.RoundUpToPowerOf2((ulong)bytes) / (2 * Steps));
        return (bytes + step - 1) / step * step;
    }

    /// <summary>A block of at least so many bytes, with whatever was in it.</summary>
    /// <returns>Its address; 0 where the system has no memory.</returns>
    public nint Rent(long bytes)
    {
        long size = SizeOf(bytes);
        lock (_lock)
        {
            nint address = Idle(size).Take(++_turn);
            if (address == 0)
            {
                address = Fresh(size);
                if (address == 0)
                {
                    return 0;
                }
            }

            _inUse.Add(address, (size, bytes));
            (Live, Asked) = (Live + size, Asked + bytes);
            Peak = Math.Max(Peak, Live);
            return address;
        }
    }

    /// <summary>Takes a block back.</summary>
    /// <returns>False, and nothing is done, where it is none of the pool's blocks in use.</returns>
    public bool Return(nint address)
    {
        lock (_lock)
        {
            if (!_inUse.Remove(address, out var block))
            {
                return false;
            }

            (Live, Asked) = (Live - block.Size, Asked - block.Asked);
            Idle(block.Size).Blocks.Push(address);
            return true;
        }
    }

    /// <summary>Gives idle blocks back, and counts the peak from now on: after loading, which takes memory of sizes that do not come again.</summary>
    public void Settle()
    {
        lock (_lock)
        {
            while (ReleaseOne())
            {
            }

            Peak = Live;
        }
    }

    private IdleBlocks Idle(long size)
    {
        if (!_idle.TryGetValue(size, out var idle))
        {
            _idle.Add(size, idle = new IdleBlocks());
        }

        return idle;
    }

    private nint Fresh(long size)
    {
        double most = Slack * Math.Max(Peak, Live + size);
        while (Held + size > most && ReleaseOne())
        {
        }

        nint address = source.Take(size);
        while (address == 0 && ReleaseOne())
        {
            address = source.Take(size);
        }

        Held += address == 0 ? 0 : size;
        return address;
    }

    /// <summary>Gives back a block of the size that was asked for longest ago.</summary>
    private bool ReleaseOne()
    {
        var waiting = _idle.Where(entry => entry.Value.Blocks.Count > 0).OrderBy(entry => entry.Value.LastTurn).Take(1);
        foreach (var (size, idle) in waiting)
        {
            source.GiveBack(idle.Blocks.Pop(), size);
            Held -= size;
            return true;
        }

        return false;
    }

    private sealed class IdleBlocks
    {
        public Stack<nint> Blocks { get; } = new();

        public long LastTurn { get; private set; }

        public nint Take(long turn)
        {
            LastTurn = turn;
            return Blocks.TryPop(out nint address) ? address : 0;
        }
    }
}
