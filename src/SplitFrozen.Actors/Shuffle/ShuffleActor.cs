using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Shuffle;

/// <summary>
/// Receives forward units, has those that stop short of the frozen line completed, places samples where the plan has them, and hands complete micro-batches
/// to the coordinator when it asks for them.
/// </summary>
internal sealed class ShuffleActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRef _catchUp;
    private readonly int _cut;
    private readonly Dictionary<DeviceId, Incarnation> _lives = [];
    private readonly SortedDictionary<int, ShuffleBuffer> _epochs = [];

    public ShuffleActor(IActorRef catchUp, int cut)
    {
        (_catchUp, _cut) = (catchUp, cut);
        Receive<AdmitDevice>(m => _lives[m.Device] = m.Incarnation);
        Receive<OpenEpoch>(m => _epochs[m.Plan.Epoch] = new ShuffleBuffer(m.Plan, m.Roster));
        Receive<CloseEpoch>(m => Close(m.Epoch));
        Receive<UnitArrived>(m => Arrived(m.Unit));
        Receive<CatchUpActor.CaughtUp>(m => Place(m.Unit, m.Seconds));
        Receive<HandOver>(Hand);
    }

    protected override void PostStop()
    {
        foreach (var buffer in _epochs.Values)
        {
            buffer.Dispose();
        }
    }

    private void Arrived(ActivationUnit unit)
    {
        if (IsStale(unit))
        {
            return;
        }

        if (unit.Header.Depth < _cut)
        {
            _catchUp.Tell(new CatchUpActor.CatchUp(unit));
        }
        else
        {
            Place(unit, 0);
        }
    }

    private void Place(ActivationUnit unit, double catchUpSeconds)
    {
        var header = unit.Header;
        if (IsStale(unit))
        {
            return;
        }

        try
        {
            var ready = _epochs[header.Grant.Epoch].Place(unit);
            Context.Parent.Tell(new UnitPlaced(header.Device, header.Incarnation, header.Grant, header.Unit, header.Samples.Length, catchUpSeconds));
            foreach (var (batch, index) in ready)
            {
                Context.Parent.Tell(new MicroBatchReady(header.Grant.Epoch, batch, index));
            }
        }
        catch (FrameException e)
        {
            unit.Dispose();
            Context.Parent.Tell(new UnitRefused(header.Device, e));
        }
    }

    private bool IsStale(ActivationUnit unit)
    {
        var header = unit.Header;
        if (_lives.GetValueOrDefault(header.Device) == header.Incarnation && _epochs.ContainsKey(header.Grant.Epoch))
        {
            return false;
        }

        _log.Info("Dropped a stale unit {Unit} of grant {Grant} of {Device}", header.Unit, header.Grant, header.Device);
        if (_lives.GetValueOrDefault(header.Device) == header.Incarnation)
        {
            // An earlier life had sent it, and its epoch is over: there is nothing to place, but the credit is due.
            Context.Parent.Tell(new UnitPlaced(header.Device, header.Incarnation, header.Grant, header.Unit, header.Samples.Length, 0));
        }

        unit.Dispose();
        return true;
    }

    private void Hand(HandOver order)
    {
        var (batch, rented) = _epochs[order.Epoch].Take(order.Batch, order.Id.Index);
        Sender.Tell(new Taken(order.Id, batch, rented));
    }

    private void Close(int epoch)
    {
        if (_epochs.Remove(epoch, out var buffer))
        {
            buffer.Dispose();
        }
    }

    /// <summary>Units of this life of the device are taken, those of others dropped.</summary>
    internal sealed record AdmitDevice(DeviceId Device, Incarnation Incarnation) : ILocalMessage;

    /// <summary>Take samples of this epoch.</summary>
    internal sealed record OpenEpoch(EpochPlan Plan, DeviceId[] Roster) : ILocalMessage;

    /// <summary>The epoch is trained.</summary>
    internal sealed record CloseEpoch(int Epoch) : ILocalMessage;

    /// <summary>A unit came over the channel.</summary>
    internal sealed record UnitArrived(ActivationUnit Unit) : ILocalMessage;

    /// <summary>Give this micro-batch out.</summary>
    internal sealed record HandOver(MicroBatchId Id, int Epoch, int Batch) : ILocalMessage;

    /// <summary>A micro-batch at the frozen line, given out; <paramref name="Rented"/> goes back to the shared pool when it is trained.</summary>
    internal sealed record Taken(MicroBatchId Id, ActivationBatch Batch, float[] Rented) : ILocalMessage;

    /// <summary>A unit's samples lie where the plan has them; its credit may be returned.</summary>
    internal sealed record UnitPlaced(DeviceId Device, Incarnation Incarnation, GrantId Grant, int Unit, int Samples, double CatchUpSeconds) : ILocalMessage;

    /// <summary>All samples of a micro-batch are here.</summary>
    internal sealed record MicroBatchReady(int Epoch, int Batch, int Index) : ILocalMessage;

    /// <summary>A unit contradicted the plan.</summary>
    internal sealed record UnitRefused(DeviceId Device, FrameException Fault) : ILocalMessage;
}
