using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Everything about a forward unit but its activations.</summary>
/// <param name="Device">The device that ran it. Not on the wire: the connection's handshake names it.</param>
/// <param name="Incarnation">The life of the device.</param>
/// <param name="Allocation">Allocation epoch under which it was run.</param>
/// <param name="Grant">The grant it belongs to.</param>
/// <param name="Unit">Place in the grant, from 0.</param>
/// <param name="Depth">Blocks run: the activations are those after block <paramref name="Depth"/> − 1.</param>
/// <param name="Width">Hidden size D.</param>
/// <param name="Samples">Sample indices [N] in the device's data.</param>
/// <param name="Lengths">Tokens of each sample [N].</param>
/// <param name="Targets">Labels [N] or target token ids [T].</param>
public sealed record UnitHeader(
    DeviceId Device, Incarnation Incarnation, AllocationEpoch Allocation, GrantId Grant, int Unit, int Depth, int Width,
    int[] Samples, int[] Lengths, int[] Targets)
{
    /// <summary>Rows T: the sum of the lengths.</summary>
    public int Tokens { get; } = Lengths.Sum();
}

/// <summary>A forward unit with the pooled buffer that holds its activations [T, D]. Whoever has it last disposes it, once.</summary>
public sealed class ActivationUnit : IDisposable
{
    private readonly ActivationPool _pool;
    private readonly MemoryLease? _lease;
    private float[]? _buffer;

    /// <summary>Rents a buffer for the unit's activations; its content is undefined.</summary>
    public ActivationUnit(UnitHeader header) : this(header, ActivationPool.Shared, null)
    {
    }

    /// <summary>Rents a buffer from a pool, against a lease of memory that ends with the unit.</summary>
    internal ActivationUnit(UnitHeader header, ActivationPool pool, MemoryLease? lease)
    {
        (Header, _pool, _lease) = (header, pool, lease);
        _buffer = pool.Rent(header.Tokens * header.Width);
    }

    /// <summary>What the activations are of.</summary>
    public UnitHeader Header { get; }

    /// <summary>The activations [T, D], row-major.</summary>
    public Memory<float> Values =>
        (_buffer ?? throw new ObjectDisposedException(nameof(ActivationUnit))).AsMemory(0, Header.Tokens * Header.Width);

    /// <summary>So many of the unit's samples were put where the plan has them; the others were there already.</summary>
    internal void Placed(int samples) => _lease?.Placed(samples);

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, null);
        if (buffer is not null)
        {
            _pool.Return(buffer);
            _lease?.Dispose();
        }
    }
}
