using System.Diagnostics;

using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Store;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Shuffle;

/// <summary>
/// Receives forward units, has those that stop short of the frozen line completed, tells the coordinator which samples are here, and hands over micro-batches of
/// samples that it names. What was placed is kept in the activation store, from which later epochs are supplied.
/// </summary>
internal sealed partial class ShuffleActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRef _catchUp;
    private readonly int _cut;
    private readonly ActivationStore? _store;
    private readonly int _unitTokens;
    private readonly int _width;
    private readonly Dictionary<DeviceId, Incarnation> _lives = [];
    private readonly SortedDictionary<int, ShuffleBuffer> _epochs = [];

    /// <param name="catchUp">Completes units of weak devices.</param>
    /// <param name="cut">The frozen line C.</param>
    /// <param name="store">Keeps activations, or null; owned by this actor from now on.</param>
    /// <param name="unitTokens">Token budget of what is taken out of the store at a time.</param>
    /// <param name="width">Hidden size D.</param>
    public ShuffleActor(IActorRef catchUp, int cut, ActivationStore? store, int unitTokens, int width)
    {
        (_catchUp, _cut, _store, _unitTokens, _width) = (catchUp, cut, store, unitTokens, width);
        Receive<AdmitDevice>(m => _lives[m.Device] = m.Incarnation);
        Receive<OpenEpoch>(m => _epochs[m.Plan.Epoch] = new ShuffleBuffer(m.Plan, m.Roster, m.Closed));
        Receive<Strike>(m => StrikeFrom(m.Device));
        Receive<CloseEpoch>(m => Close(m.Epoch));
        Receive<UnitArrived>(m => Arrived(m.Unit));
        Receive<CatchUpActor.CaughtUp>(m => Place(m.Unit, m.Seconds));
        Receive<HandOver>(Hand);
        SupplyFromStore();
    }

    protected override void PostStop()
    {
        foreach (var buffer in _epochs.Values)
        {
            buffer.Dispose();
        }

        _store?.Dispose();
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

        var started = Stopwatch.GetTimestamp();
        try
        {
            var buffer = _epochs[header.Grant.Epoch];
            buffer.Check(header);
            _store?.Keep(unit);
            var placed = buffer.Place(unit);
            Context.Parent.Tell(new UnitPlaced(header.Device, header.Incarnation, header.Grant, header.Unit, header.Samples.Length, header.Tokens, catchUpSeconds)
            {
                CaughtUpLayers = _cut - header.Depth,
                PlaceSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            });
            Announce(header.Grant.Epoch, placed);
        }
        catch (FrameException e)
        {
            unit.Dispose();
            Context.Parent.Tell(new UnitRefused(header.Device, e));
        }
    }

    private static void Announce(int epoch, PlanSample[] samples)
    {
        if (samples.Length > 0)
        {
            Context.Parent.Tell(new SamplesHere(epoch, samples));
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
            Context.Parent.Tell(new UnitPlaced(header.Device, header.Incarnation, header.Grant, header.Unit, header.Samples.Length, header.Tokens, 0));
        }

        unit.Dispose();
        return true;
    }

    private void Hand(HandOver order)
    {
        var started = Stopwatch.GetTimestamp();
        var (batch, rented) = _epochs[order.Epoch].Take(order.Samples);
        Sender.Tell(new Taken(order.Id, order.Samples, batch, rented, Stopwatch.GetElapsedTime(started).TotalSeconds));
    }

    private void StrikeFrom(DeviceId device)
    {
        foreach (var (epoch, buffer) in _epochs)
        {
            Context.Parent.Tell(new Struck(device, epoch, buffer.Strike(device)));
        }
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
    internal sealed record OpenEpoch(EpochPlan Plan, DeviceId[] Roster) : ILocalMessage
    {
        /// <summary>Samples that were trained or struck before the run was resumed, or are not trained at all: they are passed over.</summary>
        public IReadOnlyList<PlanSample> Closed { get; init; } = [];
    }

    /// <summary>Do not wait for samples of this device any more; answered by <see cref="Struck"/> for each open epoch.</summary>
    internal sealed record Strike(DeviceId Device) : ILocalMessage;

    /// <summary>These samples of a device are not part of the epoch any more.</summary>
    internal sealed record Struck(DeviceId Device, int Epoch, IReadOnlyList<PlanSample> Samples) : ILocalMessage;

    /// <summary>The epoch is trained.</summary>
    internal sealed record CloseEpoch(int Epoch) : ILocalMessage;

    /// <summary>A unit came over the channel.</summary>
    internal sealed record UnitArrived(ActivationUnit Unit) : ILocalMessage;

    /// <summary>Give out a micro-batch of these samples, which are here.</summary>
    internal sealed record HandOver(MicroBatchId Id, int Epoch, IReadOnlyList<PlanSample> Samples) : ILocalMessage;

    /// <summary>A micro-batch at the frozen line, given out; <paramref name="Rented"/> goes back to the shared pool when it is trained.</summary>
    internal sealed record Taken(MicroBatchId Id, IReadOnlyList<PlanSample> Samples, ActivationBatch Batch, float[] Rented, double Seconds) : ILocalMessage;

    /// <summary>A unit's samples lie where the plan has them; its credit may be returned.</summary>
    internal sealed record UnitPlaced(DeviceId Device, Incarnation Incarnation, GrantId Grant, int Unit, int Samples, int Tokens, double CatchUpSeconds) : ILocalMessage
    {
        /// <summary>Seconds it took to place them.</summary>
        public double PlaceSeconds { get; init; }

        /// <summary>Blocks that the server ran for it.</summary>
        public int CaughtUpLayers { get; init; }
    }

    /// <summary>Samples of an epoch have come, from their device or from the store.</summary>
    internal sealed record SamplesHere(int Epoch, IReadOnlyList<PlanSample> Samples) : ILocalMessage;

    /// <summary>A unit contradicted the plan.</summary>
    internal sealed record UnitRefused(DeviceId Device, FrameException Fault) : ILocalMessage;
}
