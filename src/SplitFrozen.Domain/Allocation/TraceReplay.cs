using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>
/// Plays a recorded capacity trace through estimator, policy and stabiliser, as a running cluster would have seen it, and sets the outcome beside policy static on
/// the same trace.
/// </summary>
public static class TraceReplay
{
    /// <summary>Plays a trace.</summary>
    /// <param name="trace">Its lines, in any order, at least one.</param>
    /// <param name="policy">What decides.</param>
    /// <param name="settings">Bounds of change, and smoothing.</param>
    /// <param name="setting">What the trace does not say.</param>
    public static ReplayReport Run(IReadOnlyList<CapacityObservation> trace, IAllocationPolicy policy, AllocationSettings settings, ReplaySetting setting)
    {
        ArgumentOutOfRangeException.ThrowIfZero(trace.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(setting.RoundSeconds);
        var fleet = new Fleet(settings, setting, MeanSamples(trace));
        var (own, fixedLayers) = (StabiliserState.Empty, StabiliserState.Empty);
        var rounds = new List<ReplayRound>();
        StabilisedRound? last = null;
        foreach (var group in trace.OrderBy(o => o.Time).ThenBy(o => o.Device).GroupBy(o => (long)Math.Floor(o.Time / setting.RoundSeconds)))
        {
            foreach (var observation in group)
            {
                fleet.Take(observation);
            }

            var now = (group.Key + 1) * setting.RoundSeconds;
            last = Stabiliser.Next(policy, settings, own, fleet.Smoothed(), now);
            var baseline = Stabiliser.Next(new StaticPolicy(), settings, fixedLayers, fleet.Smoothed(), now);
            (own, fixedLayers) = (last.State, baseline.State);
            rounds.Add(new ReplayRound(now, fleet.Slowest(last), fleet.Slowest(baseline), last.Changes, last.Postponed));
        }

        return new ReplayReport(
            policy.Name, rounds, rounds.Sum(r => r.Changes.Count(c => c.From is not null)), rounds.Average(r => r.SlowestSeconds),
            rounds.Average(r => r.StaticSlowestSeconds), Allocator.Explain(policy.Name, fleet.Smoothed(), last!.Assignments));
    }

    /// <summary>Devices whose sample count is not recorded count as the mean of the others, or as one sample where none is recorded: times are then relative.</summary>
    private static long MeanSamples(IReadOnlyList<CapacityObservation> trace) =>
        (long)Math.Round(trace.Select(o => o.Samples).OfType<long>().DefaultIfEmpty(1).Average());

    private sealed class Fleet(AllocationSettings settings, ReplaySetting setting, long meanSamples)
    {
        private readonly SortedDictionary<DeviceId, (CapacityObservation Last, CapacityEstimate Estimate)> _devices = [];

        public void Take(CapacityObservation observation)
        {
            var estimate = _devices.TryGetValue(observation.Device, out var known) ? known.Estimate : new CapacityEstimate(settings.Smoothing);
            estimate = observation.LayerTokensPerSecond > 0 ? estimate.Computed(observation.LayerTokensPerSecond, 1) : estimate;
            estimate = observation.LinkBytesPerSecond is > 0 and var link ? estimate.Sent(link, 1) : estimate;
            _devices[observation.Device] = (observation, estimate);
        }

        public AllocationInput Smoothed() => Input(d => (d.Estimate.LayerTokensPerSecond, d.Estimate.LinkBytesPerSecond));

        public double Slowest(StabilisedRound round) =>
            Allocator.Explain("", Input(d => (d.Last.LayerTokensPerSecond, d.Last.LinkBytesPerSecond)), round.Assignments).SlowestSeconds;

        private AllocationInput Input(Func<(CapacityObservation Last, CapacityEstimate Estimate), (double Compute, double? Link)> rates) => new(
            setting.Cut, Math.Min(settings.Min, setting.Cut), setting.Sizes, setting.Server,
            [.. _devices.Values.Select(d => new DeviceMeasure(
                d.Last.Device, d.Last.Node, rates(d).Compute, rates(d).Link, d.Last.FreeMemoryBytes, d.Last.QueueLength, null, d.Last.Samples ?? meanSamples))]);
    }
}
