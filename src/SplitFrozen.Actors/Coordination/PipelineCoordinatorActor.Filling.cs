using Akka.Actor;

using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Which samples are here, and of which the next micro-batch is made: by the plan, by what is there, or by the ledger of the run that is replayed.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>The epochs that are drawn and not trained whole.</summary>
    private readonly Dictionary<int, BatchFill> _fills = [];
    private long _putOffBefore;
    private bool _isOffered;

    private BatchFill Fill => _fills[_epoch];

    /// <summary>Samples that were put off so far.</summary>
    private long PutOffSamples => _putOffBefore + _fills.Values.Sum(f => f.PutOff);

    /// <summary>Place of the next global batch in the epoch at hand.</summary>
    private int Batch => _fills.TryGetValue(_epoch, out var fill) ? fill.Batch : 0;

    private void AddFill(EpochPlan plan)
    {
        var resumed = _resume?.State.Epoch == plan.Epoch ? _resume : null;
        var (batch, trained) = (resumed?.State.Batch ?? 0, resumed?.Trained ?? []);
        BatchFill fill = _run.Replay?.Batches(plan.Epoch) is { } recorded ? new RecordedFill(plan, recorded, batch, trained)
            : _run.Settings.Training.PutOffAfter is not null ? new PutOffFill(plan, batch, trained)
            : new PlanFill(plan, batch, trained);
        fill.Strike(_run.Replay?.NotTrained(plan) ?? []);
        _fills[plan.Epoch] = fill;
    }

    private void SamplesHere(ShuffleActor.SamplesHere arrived)
    {
        if (_fills.TryGetValue(arrived.Epoch, out var fill))
        {
            fill.Arrived(arrived.Samples);
            Offer();
        }
    }

    /// <summary>Tells the stages that the next micro-batch can be had. It is settled of which samples it is made when the first stage asks for it.</summary>
    private void Offer()
    {
        if (_isOffered || !_stages.IsTraining)
        {
            return;
        }

        if (Fill.CanGive(isLate: false) || IsLate())
        {
            _isOffered = true;
            _stages.Ready(Fill.Given.Count);
        }
        else if (Fill is PutOffFill relaxed)
        {
            AwaitAtEnd(relaxed);
        }
    }

    /// <summary>Whether the trainer has waited long enough for what is missing, and something else is there; else it is looked again in time.</summary>
    private bool IsLate()
    {
        if (_run.Settings.Training.PutOffAfter is not { } patience || !Fill.CanGive(isLate: true))
        {
            return false;
        }

        var left = patience - (_clock.Waiting ?? TimeSpan.Zero);
        if (left > TimeSpan.Zero)
        {
            Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, left);
        }

        return left <= TimeSpan.Zero;
    }

    private void HandOver(MicroBatchId id)
    {
        var samples = Fill.Give();
        _isOffered = false;
        _peers.Shuffle.Tell(new ShuffleActor.HandOver(id, _epoch, samples));
        if (Fill is PutOffFill relaxed)
        {
            NotePutOff(id.Step, relaxed.PassedOver);
        }
    }

    private void NotePutOff(int step, IReadOnlyList<PlanSample> samples)
    {
        foreach (var device in samples.GroupBy(s => s.Device))
        {
            Record(new LedgerRecord.Removed(
                _epoch, device.Key, [.. device.Select(s => s.Index)], PutOff: true, $"not here when step {step} was made (splitfrozen.training.put-off-after)"));
        }
    }

    /// <summary>In relaxed order a device that does not return in time is waited for at the end of the epoch; only there it is struck.</summary>
    /// <returns>Whether that was done now.</returns>
    private bool PutToEnd(DeviceEntry device)
    {
        if (_run.Settings.Training.PutOffAfter is null || device.IsAwaitedAtEnd)
        {
            return false;
        }

        device.IsAwaitedAtEnd = true;
        PutToEnd(device, [.. _fills.OrderBy(f => f.Key).SelectMany(f => Enumerable.Range(0, f.Value.Plan.Grants).Select(n => new GrantId(f.Key, n))).Where(_window!.IsOpen)]);
        OpenGrants();
        Offer();
        return true;
    }

    private void PutToEnd(DeviceEntry device, IReadOnlyList<GrantId> grants)
    {
        foreach (var epoch in grants.GroupBy(g => g.Epoch))
        {
            PutToEnd(device, _fills[epoch.Key], [.. epoch.SelectMany(g => OwnSamples(device, g))]);
        }
    }

    private void PutToEnd(DeviceEntry device, BatchFill fill, IReadOnlyList<PlanSample> granted)
    {
        if (fill is not PutOffFill relaxed || relaxed.PutToEnd(granted) is not { Count: > 0 } samples)
        {
            return;
        }

        var epoch = fill.Plan.Epoch;
        var reason = $"the device was lost and did not return within {_run.Settings.Device.LostAfter.TotalSeconds:0} s (splitfrozen.device.lost-after)";
        Record(new LedgerRecord.Removed(epoch, samples[0].Device, [.. samples.Select(s => s.Index)], PutOff: true, reason));
        Notify(new RunEvent.DeviceProblem(device.Id, $"{samples.Count} of its samples are put to the end of epoch {epoch + 1}: {reason}"));
        TakeFromWindow(epoch, samples);
    }

    /// <summary>A device's samples of a grant, in order.</summary>
    private IEnumerable<PlanSample> OwnSamples(DeviceEntry device, GrantId grant)
    {
        var ordinal = _plan.Roster(grant.Epoch).ToList().IndexOf(device.Id);
        return ordinal < 0 ? [] : _plan.For(grant.Epoch).GrantSamples(grant.Number, ordinal).Select(index => new PlanSample(ordinal, index));
    }

    /// <summary>Where nothing else is left to train, a device that is away has the usual time to return.</summary>
    private void AwaitAtEnd(PutOffFill relaxed)
    {
        foreach (var device in relaxed.AwaitedAtEnd.Select(d => _devices[_plan.Roster(_epoch)[d]]))
        {
            if (device.Ref is null && !Timers.IsTimerActive(device.Id))
            {
                AwaitReturn(device, "nothing else of the epoch is left to train");
            }
        }
    }

    /// <summary>Takes samples out of the epoch's account.</summary>
    private void StrikeFromFill(int epoch, IReadOnlyList<PlanSample> samples)
    {
        var fill = _fills[epoch];
        fill.Strike(samples);
        TakeFromWindow(epoch, samples.Where(fill.IsInWindow));
    }

    /// <summary>Nothing is held back for these samples any more.</summary>
    private void TakeFromWindow(int epoch, IEnumerable<PlanSample> samples)
    {
        var fill = _fills[epoch];
        foreach (var grant in samples.CountBy(s => fill.Plan.GrantAt(fill.Plan.PlaceOf(s)!.Value)))
        {
            var id = new GrantId(epoch, grant.Key);
            if (_window?.Struck(id, grant.Value) == true)
            {
                _peers.Channel.Memory.Close(id);
            }
        }
    }

    /// <summary>Of the global batch just trained: the window goes on, and with the last sample of a grant the server's memory waits for none of its samples any more.</summary>
    private void CloseGrants(IEnumerable<PlanSample> trained)
    {
        foreach (var grant in trained.Where(Fill.IsInWindow).CountBy(s => Plan.GrantAt(Plan.PlaceOf(s)!.Value)).OrderBy(g => g.Key))
        {
            var id = new GrantId(_epoch, grant.Key);
            if (_window!.Trained(id, grant.Value))
            {
                _peers.Channel.Memory.Close(id);
            }
        }
    }

    private sealed record LookAgain : ILocalMessage
    {
        public static LookAgain Instance { get; } = new();
    }
}
