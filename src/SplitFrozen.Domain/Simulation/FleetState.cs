using SplitFrozen.Domain.Allocation;

namespace SplitFrozen.Domain.Simulation;

/// <summary>A forward unit on its way.</summary>
/// <param name="Device">Index of its device.</param>
/// <param name="Epoch">Epoch of its grant.</param>
/// <param name="Order">Counts units in the order in which they were granted.</param>
/// <param name="Positions">Places of its samples in the epoch's plan.</param>
/// <param name="Tokens">Tokens of all samples.</param>
/// <param name="BlockFlops">Operations of one frozen block on it.</param>
internal sealed record FleetUnit(int Device, int Epoch, long Order, int[] Positions, int Tokens, double BlockFlops)
{
    /// <summary>Blocks that the device ran, set when it begins.</summary>
    public int Layers { get; set; }

    /// <summary>Life of the node in which it was begun last.</summary>
    public int Life { get; set; }
}

/// <summary>A device's queue and credits; mirrors what a device actor does.</summary>
internal sealed class DeviceState(int credits)
{
    private readonly Queue<FleetUnit> _queue = [];
    private readonly Dictionary<long, FleetUnit> _open = [];
    private readonly Queue<(int Epoch, List<int> Positions)> _held = [];
    private int _inFlight;

    /// <summary>Blocks it runs.</summary>
    public int Layers { get; set; }

    /// <summary>Whether its node has a unit of it.</summary>
    public bool IsComputing { get; set; }

    /// <summary>Whether it did not return in time, so that nothing is asked of it any more.</summary>
    public bool IsStruck { get; private set; }

    /// <summary>Whether training went on without it when its node crashed last, since all its samples were stored.</summary>
    public bool IsSpare { get; set; }

    /// <summary>Whether units of it are granted and not placed.</summary>
    public bool HasOpen => _open.Count > 0;

    /// <summary>Bytes it sent.</summary>
    public double BytesSent { get; set; }

    /// <summary>Units to run.</summary>
    public int QueueLength => _queue.Count;

    /// <summary>
    /// Its samples of a grant are needed. While some of an earlier epoch are still on their way the grant is held back: they may be the same, and will be stored then.
    /// </summary>
    /// <returns>Whether it is held.</returns>
    public bool Hold(int epoch, List<int> positions)
    {
        if (_held.Count == 0 && !IsWaitedFor(epoch))
        {
            return false;
        }

        _held.Enqueue((epoch, positions));
        return true;
    }

    /// <summary>Takes out the next held grant that need not wait any more, or null.</summary>
    public (int Epoch, List<int> Positions)? NextHeld() =>
        _held.TryPeek(out var held) && !IsWaitedFor(held.Epoch) ? _held.Dequeue() : null;

    /// <summary>A grant was opened for it: until they are placed these are its units, whoever holds them.</summary>
    public void Open(IReadOnlyList<FleetUnit> units)
    {
        foreach (var unit in units)
        {
            _open.Add(unit.Order, unit);
        }
    }

    /// <summary>Units reached the device.</summary>
    public void Receive(IReadOnlyList<FleetUnit> units)
    {
        foreach (var unit in units)
        {
            _queue.Enqueue(unit);
        }
    }

    /// <summary>The next unit, if there is one, a credit for it, and nothing of this device is being run.</summary>
    public FleetUnit? Next()
    {
        if (IsComputing || _inFlight >= credits || !_queue.TryDequeue(out var unit))
        {
            return null;
        }

        _inFlight++;
        IsComputing = true;
        return unit;
    }

    /// <summary>A credit came back.</summary>
    public void CreditReturned() => _inFlight--;

    /// <summary>A unit was placed.</summary>
    /// <returns>Whether it was open: false for one that was placed or struck before.</returns>
    public bool Placed(FleetUnit unit) => _open.Remove(unit.Order);

    /// <summary>The node crashed: the queue and all credits are gone.</summary>
    public void Crash()
    {
        _queue.Clear();
        (_inFlight, IsComputing) = (0, false);
    }

    /// <summary>Units that are granted and not placed, in the order of the plan.</summary>
    public IReadOnlyList<FleetUnit> Outstanding() => [.. _open.Values.OrderBy(u => u.Order)];

    /// <summary>Forgets all that is not placed, from now on.</summary>
    /// <returns>The places of the samples, by epoch.</returns>
    public IReadOnlyList<(int Epoch, IReadOnlyList<int> Positions)> Strike()
    {
        IsStruck = true;
        List<(int, IReadOnlyList<int>)> struck = [.. Outstanding().Select(u => (u.Epoch, (IReadOnlyList<int>)u.Positions)), .. _held.Select(h => (h.Epoch, (IReadOnlyList<int>)h.Positions))];
        _open.Clear();
        _held.Clear();
        return struck;
    }

    private bool IsWaitedFor(int epoch) => _open.Values.Any(u => u.Epoch < epoch);
}

/// <summary>A node's processor, link and life.</summary>
internal sealed class NodeState(SimulatedNode node, double smoothing)
{
    public double FlopsPerSecond { get; set; } = node.FlopsPerSecond;

    public double LinkBytesPerSecond { get; set; } = node.LinkBytesPerSecond;

    public Lane Compute { get; } = new();

    public Lane Link { get; } = new();

    /// <summary>Units that its devices want run, in the order in which they asked.</summary>
    public Queue<FleetUnit> ToCompute { get; } = [];

    public Queue<FleetUnit> ToSend { get; } = [];

    /// <summary>Counts its lives.</summary>
    public int Life { get; set; }

    public bool IsUp { get; set; } = true;

    /// <summary>Whether training no longer waits for it.</summary>
    public bool IsLost { get; set; }

    /// <summary>What it measured of itself.</summary>
    public CapacityEstimate Estimate { get; set; } = new(smoothing);
}
