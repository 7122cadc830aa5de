using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Hosting;

/// <summary>What a device node is made of.</summary>
/// <param name="Cluster">Where it is reached and whom it joins.</param>
/// <param name="Profile">Its name and what it pretends to be.</param>
/// <param name="Model">The model folder.</param>
/// <param name="Data">The data folder.</param>
/// <param name="Pinned">The device whose data lives on this node only, or null: the node takes its share of the shared devices.</param>
/// <param name="SharedDevices">Into how many devices shared data is split.</param>
/// <param name="ExpectedNodes">How many device nodes are awaited before shared devices are placed.</param>
/// <param name="StartLimit">How long it may take until a server answers, or null: someone else watches over the start.</param>
public sealed record DeviceNodeOptions(
    ClusterSettings Cluster, NodeProfile Profile, IModelSource Model, DeviceData Data, DeviceId? Pinned, int SharedDevices, int ExpectedNodes,
    TimeSpan? StartLimit)
{
    /// <summary>How the server's activation channel is reached: certificates, and the link's shape.</summary>
    public ChannelRoute Route { get; init; } = ChannelRoute.Plain;

    /// <summary>Decay of the moving averages of what the node measures of itself.</summary>
    public double Smoothing { get; init; } = 0.8;

    /// <summary>The method: one of <see cref="TrainingMethods.All"/> that has devices.</summary>
    public string Method { get; init; } = TrainingMethods.SplitFrozen;

    internal IReadOnlyList<string> SeedNodes => Cluster.SeedNodes;

    internal TaskCompletionSource Welcomed { get; private init; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether the node leaves because it was told to, before the run is over.</summary>
    internal bool IsDrained { get; set; }

    internal TaskCompletionSource Done { get; private init; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The same node, to join again after it lost its server.</summary>
    /// <param name="limit">How long it may take until a server answers.</param>
    internal DeviceNodeOptions Again(TimeSpan limit) => this with
    {
        StartLimit = limit,
        Welcomed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
        Done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
    };
}
