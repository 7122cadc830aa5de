using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>A line of a recorded capacity trace: what one device's node reported at one time.</summary>
/// <param name="Time">Seconds from the trace's start.</param>
/// <param name="Device">The device.</param>
/// <param name="Node">Its node; devices of one node share its capacity.</param>
/// <param name="LayerTokensPerSecond">Tokens a second through one block, at least 0.</param>
/// <param name="LinkBytesPerSecond">Bytes a second to the server, or null where not recorded.</param>
/// <param name="FreeMemoryBytes">Memory the node may still use, or null where not recorded.</param>
/// <param name="QueueLength">Units granted and not yet run.</param>
/// <param name="Samples">Samples it has, or null where not recorded: as many as the others.</param>
public sealed record CapacityObservation(
    double Time, DeviceId Device, string Node, double LayerTokensPerSecond, double? LinkBytesPerSecond, long? FreeMemoryBytes, int QueueLength, long? Samples);

/// <summary>What a replay assumes beside the trace.</summary>
/// <param name="Cut">The frozen line C.</param>
/// <param name="Sizes">Sizes of the work.</param>
/// <param name="Server">The server.</param>
/// <param name="RoundSeconds">How often an allocation is drawn up, above 0.</param>
public sealed record ReplaySetting(int Cut, WorkSizes Sizes, ServerMeasure Server, double RoundSeconds);

/// <summary>A round of a replay.</summary>
/// <param name="Time">Its end, in seconds from the trace's start.</param>
/// <param name="SlowestSeconds">Seconds an epoch of the slowest stage, by the capacities last reported and the layers after this round.</param>
/// <param name="StaticSlowestSeconds">The same with the layers that policy static gives.</param>
/// <param name="Changes">Layers that changed.</param>
/// <param name="Postponed">Changes held back.</param>
public sealed record ReplayRound(
    double Time, double SlowestSeconds, double StaticSlowestSeconds, IReadOnlyList<LayerChange> Changes, IReadOnlyList<PostponedChange> Postponed);

/// <summary>What a replay came to.</summary>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Rounds">All rounds.</param>
/// <param name="Changes">Changes of layers after a device's first allocation.</param>
/// <param name="MeanSlowestSeconds">Mean over the rounds of the slowest stage's seconds an epoch.</param>
/// <param name="StaticMeanSlowestSeconds">The same under policy static.</param>
/// <param name="Final">The last decision, explained.</param>
public sealed record ReplayReport(
    string Policy, IReadOnlyList<ReplayRound> Rounds, int Changes, double MeanSlowestSeconds, double StaticMeanSlowestSeconds, AllocationDecision Final);
