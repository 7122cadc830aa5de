namespace SplitFrozen.Domain.Control;

/// <summary>A running cluster at one moment, as its server sees it.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="Phase">gathering, training or ending.</param>
/// <param name="Progress">How far training is.</param>
/// <param name="Queues">What waits where.</param>
/// <param name="Allocation">How layers are dealt out.</param>
/// <param name="Nodes">The nodes of the cluster.</param>
/// <param name="Devices">The devices of the run, sorted by id.</param>
/// <param name="Alarms">The last alarms, oldest first.</param>
public sealed record ClusterStatus(
    string Run, string Phase, ProgressStatus Progress, QueueStatus Queues, AllocationStatus Allocation, IReadOnlyList<NodeStatus> Nodes,
    IReadOnlyList<DeviceStatus> Devices, IReadOnlyList<AlarmStatus> Alarms);

/// <summary>How far training is.</summary>
/// <param name="Epoch">Training epoch, from 0.</param>
/// <param name="Epochs">Of how many.</param>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="Steps">Of how many, as far as is known.</param>
/// <param name="SamplesTrained">Samples trained over all epochs.</param>
/// <param name="SamplesExpected">Of how many.</param>
/// <param name="SamplesPerSecond">Rate over the last steps, or null before there were two.</param>
/// <param name="Loss">Mean loss of the last step, or null before the first.</param>
public sealed record ProgressStatus(
    int Epoch, int Epochs, int Step, int Steps, long SamplesTrained, long SamplesExpected, double? SamplesPerSecond, double? Loss);

/// <summary>What waits where.</summary>
/// <param name="InFlightSamples">Samples granted and not yet trained.</param>
/// <param name="InFlightGrants">Grants that are not trained whole.</param>
/// <param name="Window">Most grants in flight.</param>
/// <param name="ReadyMicroBatches">Micro-batches of later global batches that are complete already.</param>
/// <param name="ServerMemoryBytes">Bytes of units that the server holds.</param>
/// <param name="TrainerWaitsSeconds">How long the trainer has waited for activations, or null where it works.</param>
public sealed record QueueStatus(
    int InFlightSamples, int InFlightGrants, int Window, int ReadyMicroBatches, long ServerMemoryBytes, double? TrainerWaitsSeconds);

/// <summary>How layers are dealt out.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Epoch">The allocation epoch, or 0 before the first.</param>
/// <param name="IsPaused">Whether changes are held back.</param>
public sealed record AllocationStatus(string Policy, int Epoch, bool IsPaused);

/// <summary>A node of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Role">server, standby, stage or device.</param>
/// <param name="Address">Where it is reached.</param>
/// <param name="State">up, joining, leaving, unreachable, …</param>
/// <param name="Devices">Devices on it.</param>
public sealed record NodeStatus(string Name, string Role, string Address, string State, int Devices);

/// <summary>A device of the run.</summary>
/// <param name="Device">Its id.</param>
/// <param name="Node">The node it is on, or was on last.</param>
/// <param name="State">preparing, working, idle (nothing is asked of it), lost or finished.</param>
/// <param name="IsPinned">Whether its data lives on that node only.</param>
/// <param name="Samples">Its samples, or null while it prepares.</param>
/// <param name="Layers">Frozen layers that it was given.</param>
/// <param name="IsLoaded">Whether it runs with them already.</param>
/// <param name="LayerTokensPerSecond">Tokens a second through one block.</param>
/// <param name="LinkBytesPerSecond">Bytes a second to the server, or null where nothing was sent.</param>
/// <param name="FreeMemoryBytes">Memory that its node may still use.</param>
/// <param name="QueueLength">Units granted and not begun.</param>
/// <param name="CreditsUsed">Units received by the server and not yet placed.</param>
/// <param name="Credits">Of how many.</param>
/// <param name="AwaitedSamples">Samples granted that the server does not have.</param>
/// <param name="Forwarded">Samples that it ran.</param>
/// <param name="BytesSent">Bytes that it sent.</param>
/// <param name="Reason">Why it has its layers.</param>
public sealed record DeviceStatus(
    string Device, string Node, string State, bool IsPinned, int? Samples, int Layers, bool IsLoaded, double LayerTokensPerSecond, double? LinkBytesPerSecond,
    long FreeMemoryBytes, int QueueLength, long CreditsUsed, int Credits, int AwaitedSamples, long Forwarded, long BytesSent, string Reason)
{
    /// <summary>Seconds that it computed, emulated waiting included.</summary>
    public double BusySeconds { get; init; }
}

/// <summary>Something that an operator should know.</summary>
public sealed record AlarmStatus(DateTimeOffset At, string Text);
