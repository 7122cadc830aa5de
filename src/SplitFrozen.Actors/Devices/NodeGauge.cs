using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Devices;

/// <summary>
/// What a device node has measured of itself, smoothed: computing from its forward units, the link from what the server has confirmed, free memory when it is
/// asked for. Shared by the devices of the node and the actor that computes for them. Thread-safe.
/// </summary>
/// <param name="smoothing">Decay of the moving averages.</param>
/// <param name="memoryBytes">Emulated memory, or null: the machine's.</param>
/// <param name="blockBytes">Memory that a frozen block takes.</param>
internal sealed class NodeGauge(double smoothing, long? memoryBytes, double blockBytes)
{
    private readonly Lock _gate = new();
    private CapacityEstimate _estimate = new(smoothing);
    private int _blocks;

    /// <summary>The capacity as it is known now.</summary>
    public Capacity Current
    {
        get
        {
            lock (_gate)
            {
                return new Capacity(_estimate.LayerTokensPerSecond, FreeMemory()) { LinkBytesPerSecond = _estimate.LinkBytesPerSecond ?? 0 };
            }
        }
    }

    /// <summary>The node computed so many tokens times blocks.</summary>
    public void Computed(double layerTokens, double seconds)
    {
        if (layerTokens > 0 && seconds > 0)
        {
            lock (_gate)
            {
                _estimate = _estimate.Computed(layerTokens, seconds);
            }
        }
    }

    /// <summary>The node sent so many bytes, and the server has them.</summary>
    public void Sent(long bytes, double seconds)
    {
        if (bytes > 0 && seconds > 0)
        {
            lock (_gate)
            {
                _estimate = _estimate.Sent(bytes, seconds);
            }
        }
    }

    /// <summary>The node holds so many frozen blocks.</summary>
    public void Holds(int blocks)
    {
        lock (_gate)
        {
            _blocks = blocks;
        }
    }

    /// <summary>Memory beside the blocks that are held.</summary>
    private long FreeMemory()
    {
        if (memoryBytes is { } emulated)
        {
            return Math.Max(0, emulated - (long)(_blocks * blockBytes));
        }

        var machine = GC.GetGCMemoryInfo();
        return Math.Max(0, machine.TotalAvailableMemoryBytes - machine.MemoryLoadBytes);
    }
}
