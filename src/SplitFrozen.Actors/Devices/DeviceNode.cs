using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Actors.Devices;

/// <summary>What the devices of a node share.</summary>
/// <param name="Name">Name of the node, for people.</param>
/// <param name="IsPinned">Whether the data lives on this node only.</param>
/// <param name="Model">The model folder.</param>
/// <param name="Data">The data folder.</param>
/// <param name="Server">Proxy of the server's supervisor.</param>
/// <param name="Compute">The node's frozen blocks.</param>
/// <param name="Gauge">What the node has measured of itself.</param>
/// <param name="Keeper">The node's keeper.</param>
/// <param name="Route">How the server's channel is reached.</param>
internal sealed record DeviceNode(
    string Name, bool IsPinned, IModelSource Model, DeviceData Data, IActorRef Server, IActorRef Compute, NodeGauge Gauge, IActorRef Keeper,
    ChannelRoute Route)
{
    /// <summary>The node's clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether the node was told that a standby server may take over.</summary>
    public bool KnowsStandby { get; init; }
}
