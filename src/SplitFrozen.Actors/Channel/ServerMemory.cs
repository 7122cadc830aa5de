using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Bounds the bytes of all units that the server holds. A connection that has no room for its next unit waits, without reading from its socket, until
/// units are released; so a full server slows its devices down. Waiters are served in the order of the plan's grants, then of arrival. A unit is let in
/// only if the missing samples of all older grants still fit beside it: the grant that training waits for always finds room, so that nothing waits for
/// itself. This holds as long as one grant of longest samples fits into the limit.
/// </summary>
internal sealed class ServerMemory
{
    private readonly object _gate = new();
    private readonly long _limit;
    private readonly long _sampleBytes;
    private readonly ActivationPool _pool;
    private readonly SortedDictionary<GrantId, int> _missing = [];
    private readonly SortedSet<(GrantId Grant, long Ticket)> _waiting = [];
    private GrantId? _newest;
    private long _tickets;
    private long _held;

    /// <summary>A memory of which nothing is held.</summary>
    /// <param name="limit">Most bytes that units may hold.</param>
    /// <param name="sampleBytes">Bytes of the longest sample, by <see cref="SampleBytes"/>.</param>
    public ServerMemory(long limit, long sampleBytes)
    {
        (_limit, _sampleBytes, _pool) = (limit, sampleBytes, new ActivationPool(limit));
    }

    /// <summary>Bytes that units hold.</summary>
    public long HeldBytes
    {
        get
        {
            lock (_gate)
            {
                return _held;
            }
        }
    }

    /// <summary>Bytes of arrays that are handed out or kept for the next units.</summary>
    public long PooledBytes => _pool.HeldBytes;

    /// <summary>The limit that settings give, in bytes.</summary>
    public static long Limit(ServerSettings settings) => settings.MemoryLimit ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>Most bytes that a sample of <paramref name="maxLength"/> tokens takes, the pool's rounding included.</summary>
    public static long SampleBytes(int maxLength, int width) => ((long)sizeof(float) * maxLength * width * 9) / 8;

    /// <summary>A grant goes out: so many samples will come. Grants open in the plan's order.</summary>
    public void Open(GrantId grant, int samples)
    {
        lock (_gate)
        {
            _missing[grant] = samples;
            _newest = grant;
        }
    }

    /// <summary>The grant is trained; whatever did not come is not waited for any more.</summary>
    public void Close(GrantId grant)
    {
        lock (_gate)
        {
            _missing.Remove(grant);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for room, and rents the unit's buffer.</summary>
    /// <param name="header">The unit that is to be received.</param>
    /// <param name="closed">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">The connection was closed while it waited.</exception>
    /// <exception cref="FrameException">The unit is larger than the limit, or its grant did not go out yet.</exception>
    public ActivationUnit Rent(UnitHeader header, CancellationToken closed)
    {
        var bytes = ActivationPool.Bytes(header.Tokens * header.Width);
        if (bytes > _limit)
        {
            throw new FrameException(FrameFault.BadSizes, $"a unit of {bytes} bytes is above the limit of {_limit} (splitfrozen.server.memory-limit)");
        }

        using var wake = closed.Register(Wake);
        lock (_gate)
        {
            if (_newest is null || header.Grant.CompareTo(_newest.Value) > 0)
            {
                throw new FrameException(FrameFault.NotGranted, $"grant {header.Grant} did not go out yet");
            }

            WaitForRoom(header.Grant, bytes, closed);
            _held += bytes;
        }

        return new ActivationUnit(header, _pool, new MemoryLease(this, header.Grant, bytes));
    }

    /// <summary>Bytes that a unit held are free again.</summary>
    internal void Release(long bytes)
    {
        lock (_gate)
        {
            _held -= bytes;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>So many samples of the grant are in place and need no more room.</summary>
    internal void Placed(GrantId grant, int samples)
    {
        lock (_gate)
        {
            if (_missing.TryGetValue(grant, out var missing))
            {
                _missing[grant] = missing - samples;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void WaitForRoom(GrantId grant, long bytes, CancellationToken closed)
    {
        var turn = (grant, _tickets++);
        _waiting.Add(turn);
        try
        {
            while (!(_waiting.Min == turn && _held + bytes + ReservedBefore(grant) <= _limit))
            {
                closed.ThrowIfCancellationRequested();
                Monitor.Wait(_gate);
            }

            closed.ThrowIfCancellationRequested();
        }
        finally
        {
            _waiting.Remove(turn);
            Monitor.PulseAll(_gate);
        }
    }

    private long ReservedBefore(GrantId grant)
    {
        var samples = 0L;
        foreach (var (id, missing) in _missing)
        {
            if (id.CompareTo(grant) >= 0)
            {
                break;
            }

            samples += missing;
        }

        return samples * _sampleBytes;
    }

    private void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }
}

/// <summary>A unit's part of the server's memory.</summary>
/// <param name="memory">Whose.</param>
/// <param name="grant">The unit's grant.</param>
/// <param name="bytes">Bytes it holds.</param>
internal sealed class MemoryLease(ServerMemory memory, GrantId grant, long bytes) : IDisposable
{
    /// <summary>So many samples of the unit were put into place.</summary>
    public void Placed(int samples) => memory.Placed(grant, samples);

    /// <summary>Releases the bytes.</summary>
    public void Dispose() => memory.Release(bytes);
}
