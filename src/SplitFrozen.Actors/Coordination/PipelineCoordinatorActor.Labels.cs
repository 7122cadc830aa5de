using Akka.Event;

using SplitFrozen.Actors.Shuffle;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// The label mix of global batches beside that of the rows that are trained. Labels of shared rows are known from how they are spread, those of devices with folders of their own when
/// each was seen once: from the second epoch on.
/// </summary>
internal sealed partial class PipelineCoordinatorActor
{
    private readonly List<int> _labels = [];
    private readonly Dictionary<DeviceId, SortedDictionary<int, int>> _labelsSeen = [];
    private LabelMixWatch? _mix;
    private int _mixEpoch = -1;

    /// <summary>Notes the labels of a micro-batch that was handed over.</summary>
    private void NoteLabels(ShuffleActor.Taken taken)
    {
        if (_run.Spec.Task != TaskKind.Classification)
        {
            return;
        }

        _labels.AddRange(taken.Batch.Targets);
        var roster = _plan.Roster(_epoch);
        for (var i = 0; i < taken.Samples.Count; i++)
        {
            var id = roster[taken.Samples[i].Device];
            if (!IsSpreadKnown(id))
            {
                if (!_labelsSeen.TryGetValue(id, out var seen))
                {
                    _labelsSeen[id] = seen = [];
                }

                seen[taken.Samples[i].Index] = taken.Batch.Targets[i];
            }
        }
    }

    /// <summary>Compares the labels of the global batch just trained with those of all rows that are trained.</summary>
    private double? WatchLabels()
    {
        if (_mixEpoch != _epoch)
        {
            BeginMix();
        }

        if (_mix is null || _labels.Count == 0)
        {
            _labels.Clear();
            return null;
        }

        var (distance, alarm) = _mix.Note(_labels);
        _labels.Clear();
        if (alarm is { } excess)
        {
            _log.Warning("The label mix of global batches lies {Excess:0.00} farther from that of all rows than chance explains (splitfrozen.training.mix-alarm)", excess);
            Notify(new RunEvent.LabelMixAlarm(_epoch, _step, excess));
        }

        return distance;
    }

    /// <summary>An epoch begins: its devices may be others than before.</summary>
    private void BeginMix()
    {
        _mixEpoch = _epoch;
        var labels = new List<int>();
        foreach (var id in _plan.Roster(_epoch))
        {
            if (IsSpreadKnown(id))
            {
                labels.AddRange(_run.DeviceLabels[id]);
            }
            else if (_labelsSeen.TryGetValue(id, out var seen) && seen.Count == _devices[id].Samples)
            {
                labels.AddRange(seen.Values);
            }
            else
            {
                return;
            }
        }

        if (_run.Spec.Task == TaskKind.Classification)
        {
            _mix ??= new LabelMixWatch(_run.Settings.Training.MixAlarm ?? double.PositiveInfinity);
            _mix.Begin(new LabelMix(labels));
        }
    }

    private bool IsSpreadKnown(DeviceId id) => _run.DeviceLabels.TryGetValue(id, out var labels) && labels.Count == _devices[id].Samples;
}
