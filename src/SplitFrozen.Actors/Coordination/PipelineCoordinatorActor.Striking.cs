using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// A device that does not return in time: its samples that are not here are struck from the epochs that are drawn, and training goes on. It may come back, and takes part
/// again from the next epoch that is drawn.
/// </summary>
internal sealed partial class PipelineCoordinatorActor
{
    private readonly Dictionary<int, HashSet<PlanSample>> _struck = [];
    private readonly List<StruckSummary> _struckSoFar = [];

    private void ReturnTimeOver(DeviceId id)
    {
        var device = _devices[id];
        if (device.Ref is not null)
        {
            return;
        }

        if (PutToEnd(device))
        {
            return;
        }

        device.Strike();
        if (Roster().Count == 0 || _run.Replay is not null)
        {
            Abort(RunFailure.Broken, LostForGood(id));
            return;
        }

        _peers.Shuffle.Tell(new ShuffleActor.Strike(id));
    }

    private void Struck(ShuffleActor.Struck struck)
    {
        if (struck.Samples.Count == 0 || _ending)
        {
            return;
        }

        var reason = $"the device was lost and did not return within {_run.Settings.Device.LostAfter.TotalSeconds:0} s (splitfrozen.device.lost-after)";
        _log.Warning("{Samples} samples of {Device} are struck from epoch {Epoch}: {Reason}", struck.Samples.Count, struck.Device, struck.Epoch, reason);
        Notify(new RunEvent.DeviceProblem(struck.Device, $"{struck.Samples.Count} of its samples are struck from epoch {struck.Epoch + 1}: {reason}"));
        Record(new LedgerRecord.Removed(struck.Epoch, struck.Samples[0].Device, [.. struck.Samples.Select(s => s.Index)], PutOff: false, reason));
        _struckSoFar.Add(new StruckSummary(struck.Epoch, struck.Device.Value, struck.Samples.Count));
        Strike(struck.Epoch, struck.Samples);
        StrikeFromFill(struck.Epoch, struck.Samples);
        if (!_stages.IsTraining || struck.Epoch != _epoch)
        {
            OpenGrants();
        }
        else if (Fill.IsEmpty || Fill.IsDone)
        {
            // Nothing of it was handed out: what was, was here.
            _stages.Abandon();
            PassOver();
        }
        else
        {
            OpenGrants();
            Offer();
        }
    }

    private void Strike(int epoch, IEnumerable<PlanSample> samples)
    {
        if (!_struck.TryGetValue(epoch, out var struck))
        {
            _struck[epoch] = struck = [];
        }

        struck.UnionWith(samples);
    }

    /// <summary>Whether a device's samples are not asked for in an epoch.</summary>
    private bool IsStruckFrom(int epoch, int ordinal) => _struck.TryGetValue(epoch, out var struck) && struck.Any(s => s.Device == ordinal);

    /// <summary>Goes on without a batch of which nothing is left.</summary>
    private void PassOver()
    {
        if (Fill.IsEmpty)
        {
            Fill.End();
        }

        OpenGrants();
        if (Fill.IsDone)
        {
            EndEpoch();
        }
        else if (_stopping)
        {
            BeginEnding(completed: false);
        }
        else
        {
            NextBatch();
        }
    }

    private IReadOnlyList<CheckpointStruck> StruckNow() =>
    [
        .. _struck.OrderBy(e => e.Key).SelectMany(e => e.Value.GroupBy(s => s.Device)
            .Select(d => new CheckpointStruck(e.Key, d.Key, [.. InOrderOfPlan(e.Key, d)]))),
    ];

    private IEnumerable<int> InOrderOfPlan(int epoch, IEnumerable<PlanSample> samples)
    {
        var wanted = samples.ToHashSet();
        var plan = _plan.For(epoch);
        return Enumerable.Range(0, plan.Batches).SelectMany(batch => plan.Batch(batch).ToArray()).Where(wanted.Contains).Select(s => s.Index);
    }
}
