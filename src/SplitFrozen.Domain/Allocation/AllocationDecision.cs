using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>What was decided for all devices.</summary>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Devices">One entry a device, sorted by id.</param>
/// <param name="ServerSeconds">Predicted seconds an epoch that the server computes: catch-up and training.</param>
/// <param name="SlowestSeconds">Predicted seconds an epoch of the slowest stage.</param>
/// <param name="Bottleneck">That stage: a node's name, or server.</param>
public sealed record AllocationDecision(
    string Policy, IReadOnlyList<DeviceDecision> Devices, double ServerSeconds, double SlowestSeconds, string Bottleneck);

/// <summary>What was decided for one device.</summary>
/// <param name="Device">The device.</param>
/// <param name="Layers">Blocks [0, Layers).</param>
/// <param name="Reason">Why, for a person.</param>
/// <param name="PredictedSeconds">Seconds an epoch that its node computes or sends for it.</param>
/// <param name="Alternatives">Other counts, what they would take, ascending.</param>
public sealed record DeviceDecision(
    DeviceId Device, int Layers, string Reason, double PredictedSeconds, IReadOnlyList<LayerAlternative> Alternatives);

/// <summary>A layer count that was not chosen.</summary>
/// <param name="Layers">The count.</param>
/// <param name="PredictedSeconds">Seconds an epoch that the device would take.</param>
/// <param name="SlowestSeconds">Seconds an epoch of the slowest stage if this device alone had that count.</param>
public sealed record LayerAlternative(int Layers, double PredictedSeconds, double SlowestSeconds);
