using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Simulation;

/// <summary>A device node: the devices on it share its processor and its link.</summary>
/// <param name="Name">Its name.</param>
/// <param name="FlopsPerSecond">Floating-point operations a second.</param>
/// <param name="LinkBytesPerSecond">Bytes a second to the server; infinity for a link that takes no time.</param>
/// <param name="LatencySeconds">One-way delay to the server.</param>
/// <param name="MemoryBytes">Memory for frozen blocks, or null for as much as is asked for.</param>
/// <param name="Changes">How its rates change, in order of time.</param>
public sealed record SimulatedNode(
    string Name, double FlopsPerSecond, double LinkBytesPerSecond, double LatencySeconds, long? MemoryBytes, IReadOnlyList<RateChange> Changes);

/// <summary>A node's rates from a time on.</summary>
/// <param name="Time">Seconds from the start; operations that began before keep the rate they began with.</param>
/// <param name="FlopsPerSecond">Operations a second.</param>
/// <param name="LinkBytesPerSecond">Bytes a second.</param>
public sealed record RateChange(double Time, double FlopsPerSecond, double LinkBytesPerSecond);

/// <summary>A device: a partition of the data.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Node">Index of its node.</param>
/// <param name="Lengths">Tokens of each of its samples; may be empty.</param>
public sealed record SimulatedDevice(DeviceId Id, int Node, int[] Lengths);

/// <summary>The server.</summary>
/// <param name="FlopsPerSecond">Operations a second of each trainer stage, and of catch-up.</param>
/// <param name="Stages">Trainer stages p, at least 1.</param>
/// <param name="SharesCompute">Whether catch-up and the first trainer stage take turns on one processor (the trainer first), rather than run side by side.</param>
/// <param name="StepSeconds">Seconds of an optimiser step.</param>
public sealed record SimulatedServer(double FlopsPerSecond, int Stages, bool SharesCompute, double StepSeconds);

/// <summary>A node crashes, with all that it has begun.</summary>
/// <param name="Node">Index of the node.</param>
/// <param name="At">Seconds from the start.</param>
/// <param name="RejoinAfter">Seconds until it is back, or null: never.</param>
public sealed record NodeCrash(int Node, double At, double? RejoinAfter);

/// <summary>Crashes at random: each node by a Poisson process of its own, while it is up.</summary>
/// <param name="PerHour">Crashes an hour of each node.</param>
/// <param name="DownSeconds">How long it stays away.</param>
public sealed record RandomCrashes(double PerHour, Distribution DownSeconds);

/// <summary>What goes wrong.</summary>
/// <param name="Crashes">Crashes at given times.</param>
/// <param name="Random">Crashes at random, or null.</param>
/// <param name="LostAfterSeconds">How long training waits for a node to return before its samples are struck.</param>
public sealed record FaultSpec(IReadOnlyList<NodeCrash> Crashes, RandomCrashes? Random, double LostAfterSeconds);

/// <summary>How layers are dealt out.</summary>
/// <param name="Policy">What decides.</param>
/// <param name="Settings">Bounds of change.</param>
/// <param name="EverySeconds">How often an allocation is drawn up anew, or null: once at the start.</param>
public sealed record AllocationPlan(IAllocationPolicy Policy, AllocationSettings Settings, double? EverySeconds);

/// <summary>Everything that a simulation depends on.</summary>
/// <param name="Nodes">Device nodes.</param>
/// <param name="Devices">Devices, sorted by id.</param>
/// <param name="Server">The server.</param>
/// <param name="Costs">What work costs.</param>
/// <param name="Cut">The frozen line C.</param>
/// <param name="Training">Sizes of batches, epochs and seed.</param>
/// <param name="Pipeline">Grants, window and unit budget.</param>
/// <param name="Credits">Units a device may have begun and not yet seen placed.</param>
/// <param name="Allocation">How layers are dealt out.</param>
/// <param name="Faults">What goes wrong.</param>
/// <param name="Store">Where activations are kept for later epochs, or null: nowhere.</param>
public sealed record FleetSpec(
    IReadOnlyList<SimulatedNode> Nodes, IReadOnlyList<SimulatedDevice> Devices, SimulatedServer Server, IWorkCosts Costs, int Cut,
    TrainingSettings Training, PipelineSettings Pipeline, int Credits, AllocationPlan Allocation, FaultSpec Faults, SimulatedStore? Store = null);
