using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>What a running allocator decides on and has decided.</summary>
/// <param name="Epoch">The allocation epoch.</param>
/// <param name="IsPaused">Whether changes are held back.</param>
/// <param name="Input">What was measured.</param>
/// <param name="Decision">What devices have, predicted.</param>
/// <param name="Postponed">Changes that are held back.</param>
/// <param name="Overrides">Layers that an operator has set.</param>
/// <param name="Alternatives">What each built-in policy would give on the same input.</param>
public sealed record AllocationState(
    AllocationEpoch Epoch, bool IsPaused, AllocationInput Input, AllocationDecision Decision, IReadOnlyList<PostponedChange> Postponed,
    IReadOnlyDictionary<DeviceId, int> Overrides, IReadOnlyList<AllocationDecision> Alternatives);
