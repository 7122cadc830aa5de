using SplitFrozen.Actors.Training;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Baselines;

/// <summary>What a method's run asks of devices on other nodes, over all their lives. Belongs to the server's actor and runs inside it.</summary>
/// <param name="sessions">The devices.</param>
/// <param name="template">What each of them trains, as it is drawn, and the optimiser's state for it.</param>
internal abstract class MethodFleet(IReadOnlyDictionary<DeviceId, BaselineSession> sessions, StageState template)
{
    private Exception? _failure;

    /// <summary>What each device trains, as it is drawn.</summary>
    protected StageState Template => template;

    /// <summary>Takes an order of the run.</summary>
    public void Accept(IFleetOrder order)
    {
        On(order);
        if (_failure is { } error)
        {
            OnFailed(error);
        }
    }

    /// <summary>A life of a device has begun, and can be given work.</summary>
    public abstract void Ready(BaselineSession session);

    /// <summary>A state came.</summary>
    public abstract void Arrived(BaselineSession session, Parcel parcel);

    /// <summary>Rows came.</summary>
    public abstract void Arrived(BaselineSession session, StageRows rows);

    /// <summary>A device does not return in time.</summary>
    /// <returns>Why the run cannot go on without it, or null: it does.</returns>
    public abstract string? GiveUp(BaselineSession session);

    /// <summary>The run ends with this: whoever waits, waits no more.</summary>
    public void Fail(Exception error)
    {
        _failure = error;
        OnFailed(error);
    }

    /// <summary>Does what an order asks for.</summary>
    protected abstract void On(IFleetOrder order);

    /// <summary>Lets those who wait fail.</summary>
    protected abstract void OnFailed(Exception error);

    /// <summary>The device's session.</summary>
    protected BaselineSession Session(LocalPlan device) => sessions[device.Id];

    /// <summary>A life of a device that was sent nothing knows what it draws itself.</summary>
    protected void Introduce(BaselineSession session)
    {
        if (!session.HasBegun)
        {
            session.Known = template.Adapter;
        }
    }
}

/// <summary>What a method's run, on its own thread, asks of the server's actor.</summary>
internal interface IFleetOrder : ILocalMessage;
