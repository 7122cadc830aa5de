namespace SplitFrozen.Domain.Configuration;

/// <summary>Keys splitfrozen.allocation.*: how frozen layers are dealt out.</summary>
/// <param name="Policy">static, proportional, balanced, manual, or the type name of a user's own <see cref="Allocation.IAllocationPolicy"/>.</param>
/// <param name="Min">Fewest layers a device gets, at least 1; where the cut is lower, the cut.</param>
/// <param name="Hysteresis">Relative change of a measured rate up to which it counts as noise, from 0 up to, not including, 1.</param>
/// <param name="CoolDown">How long a device keeps its layers after they changed (key <c>cool-down</c>).</param>
/// <param name="MaxChanges">Devices that change in one round, at least 1 (key <c>max-changes</c>).</param>
/// <param name="Smoothing">Decay of the moving average of measured rates, from 0 (none) up to, not including, 1.</param>
/// <param name="Manual">Layers by device id, for policy manual.</param>
public sealed record AllocationSettings(
    string Policy, int Min, double Hysteresis, TimeSpan CoolDown, int MaxChanges, double Smoothing, IReadOnlyDictionary<string, int> Manual)
{
    /// <summary>How often layers are dealt out anew while training, or null: once, at the start.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>How long training may wait for one device before an alarm (key <c>wait-alarm</c>).</summary>
    public TimeSpan WaitAlarm { get; init; } = TimeSpan.FromSeconds(10);
}
