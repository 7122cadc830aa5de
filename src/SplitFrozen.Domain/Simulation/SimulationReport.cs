namespace SplitFrozen.Domain.Simulation;

/// <summary>What a simulation found. Times are simulated seconds.</summary>
/// <param name="Policy">Allocation policy.</param>
/// <param name="Reallocates">Whether layers were dealt out anew while training.</param>
/// <param name="Seed">Seed of everything drawn.</param>
/// <param name="Nodes">Device nodes.</param>
/// <param name="Devices">Devices.</param>
/// <param name="Cut">The frozen line C.</param>
/// <param name="TotalSeconds">From the first grant to the last optimiser step.</param>
/// <param name="Epochs">Each epoch.</param>
/// <param name="Bottleneck">The resource that was busy longest.</param>
/// <param name="Lanes">Each kind of resource.</param>
/// <param name="Traffic">What was sent.</param>
/// <param name="Coverage">What was trained.</param>
/// <param name="Store">What the activation store had; null where there is none, and in a run of one epoch, which has no use for it.</param>
/// <param name="Faults">What went wrong.</param>
/// <param name="Layers">How many devices had how many layers at the end.</param>
/// <param name="LayerChanges">Changes of a device's layers while training.</param>
/// <param name="Events">Events that were simulated.</param>
public sealed record SimulationReport(
    string Policy, bool Reallocates, long Seed, int Nodes, int Devices, int Cut, double TotalSeconds, IReadOnlyList<EpochReport> Epochs,
    BottleneckReport Bottleneck, IReadOnlyList<LaneReport> Lanes, TrafficReport Traffic, CoverageReport Coverage, StoreReport? Store, FaultReport Faults,
    IReadOnlyList<LayerCount> Layers, int LayerChanges, long Events);

/// <summary>One epoch.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Seconds">From the end of the one before.</param>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Samples">Samples of its plan.</param>
/// <param name="Missing">Samples that were struck.</param>
/// <param name="Supplied">Samples that came out of the activation store.</param>
/// <param name="Bytes">Bytes that devices sent for it until it was trained; what a crash made them send again after that is in <see cref="TrafficReport"/> only.</param>
public sealed record EpochReport(int Epoch, double Seconds, int Steps, int Samples, int Missing, long Supplied, double Bytes);

/// <summary>The resource that was busy longest.</summary>
/// <param name="Kind">Kind of lane.</param>
/// <param name="Name">Node, or stage.</param>
/// <param name="BusyShare">Share of the total time.</param>
public sealed record BottleneckReport(string Kind, string Name, double BusyShare);

/// <summary>One kind of resource: device, link, catch_up or trainer.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Lanes">How many there are.</param>
/// <param name="BusySeconds">Seconds that all of them were busy together.</param>
/// <param name="LongestBusySeconds">Seconds that the busiest one was.</param>
/// <param name="BubbleShare">Mean share of the total time that one was idle.</param>
/// <param name="LeastBubbleShare">That of the busiest one.</param>
/// <param name="MostBubbleShare">That of the idlest one.</param>
public sealed record LaneReport(
    string Kind, int Lanes, double BusySeconds, double LongestBusySeconds, double BubbleShare, double LeastBubbleShare, double MostBubbleShare);

/// <summary>What was sent up.</summary>
/// <param name="Bytes">All bytes.</param>
/// <param name="MeanBytesPerDevice">Mean of a device.</param>
/// <param name="MostBytesPerDevice">The device that sent most.</param>
/// <param name="Units">Units that were placed.</param>
/// <param name="UnitsRepeated">Units that a crash made a device run or send again.</param>
public sealed record TrafficReport(double Bytes, double MeanBytesPerDevice, double MostBytesPerDevice, long Units, long UnitsRepeated);

/// <summary>What was trained.</summary>
/// <param name="Expected">Samples of all plans.</param>
/// <param name="Trained">Samples trained, each once an epoch: a second time would have ended the simulation.</param>
/// <param name="Missing">Samples struck since their device never returned.</param>
/// <param name="ExactlyOnce">Whether every sample was trained once an epoch.</param>
public sealed record CoverageReport(long Expected, long Trained, long Missing, bool ExactlyOnce);

/// <summary>What the activation store had.</summary>
/// <param name="Samples">Samples that are kept at the end.</param>
/// <param name="MemoryBytes">Bytes of them in memory.</param>
/// <param name="DiskBytes">Bytes of them in files.</param>
/// <param name="Supplied">Samples that were taken out, in all epochs together.</param>
public sealed record StoreReport(long Samples, long MemoryBytes, long DiskBytes, long Supplied);

/// <summary>What went wrong.</summary>
public sealed record FaultReport(int Crashes, int Rejoined, int LostNodes);

/// <summary>How many devices have so many layers.</summary>
public sealed record LayerCount(int Layers, int Devices);
