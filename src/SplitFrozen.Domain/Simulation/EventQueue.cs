namespace SplitFrozen.Domain.Simulation;

/// <summary>What happens at a point of simulated time.</summary>
internal enum SimulatedEvent
{
    /// <summary>A grant's units reach a device.</summary>
    GrantArrives,

    /// <summary>A node has run a unit.</summary>
    UnitComputed,

    /// <summary>A node has put a unit on the wire.</summary>
    UnitSent,

    /// <summary>A unit reaches the server.</summary>
    UnitArrives,

    /// <summary>The server has completed a unit's frozen blocks.</summary>
    UnitCaughtUp,

    /// <summary>A credit reaches its device.</summary>
    CreditArrives,

    /// <summary>A trainer stage has done an operation.</summary>
    OperationDone,

    /// <summary>The optimiser has made a step.</summary>
    Stepped,

    /// <summary>A node's rates change.</summary>
    RateChanges,

    /// <summary>A node crashes.</summary>
    NodeCrashes,

    /// <summary>A node is back.</summary>
    NodeReturns,

    /// <summary>Training has waited long enough for a node.</summary>
    NodeGivenUp,

    /// <summary>An allocation is drawn up.</summary>
    Reallocate,
}

/// <summary>An event.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Index">Of the device, node, stage or rate change that it concerns.</param>
/// <param name="Life">Life of the node that it was meant for; a later life passes over it.</param>
/// <param name="Unit">The unit that it concerns, if any.</param>
/// <param name="Units">The units that it concerns, if several.</param>
internal readonly record struct PendingEvent(SimulatedEvent Kind, int Index, int Life = 0, FleetUnit? Unit = null, IReadOnlyList<FleetUnit>? Units = null);

/// <summary>Events in the order of their times; those of one time in the order in which they were added, so that a simulation repeats exactly.</summary>
internal sealed class EventQueue
{
    private readonly PriorityQueue<PendingEvent, (double Time, long Order)> _queue = new();
    private long _added;

    /// <summary>Simulated seconds.</summary>
    public double Now { get; private set; }

    /// <summary>Events taken out.</summary>
    public long Taken { get; private set; }

    /// <summary>Adds an event.</summary>
    /// <param name="after">Seconds from now, at least 0.</param>
    /// <param name="pending">The event.</param>
    public void Add(double after, PendingEvent pending)
    {
        if (!(after >= 0) || double.IsInfinity(after))
        {
            throw new InvalidOperationException($"{pending.Kind} cannot happen in {after} seconds.");
        }

        _queue.Enqueue(pending, (Now + after, _added++));
    }

    /// <summary>Takes the next event and moves the time to it.</summary>
    public bool TryTake(out PendingEvent pending)
    {
        if (!_queue.TryDequeue(out pending, out var at))
        {
            return false;
        }

        Now = at.Time;
        Taken++;
        return true;
    }
}
