using Akka.Actor;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Security;

/// <summary>
/// Looks at what devices say on the control plane before anybody works on it: how often a node speaks, and for how many devices. What it keeps is bounded: an entry for each node, and
/// the names of as many devices as a node may have. Belongs to one actor.
/// </summary>
/// <param name="limits">What is let through.</param>
/// <param name="time">The clock.</param>
internal sealed class ControlGate(LimitSettings limits, TimeProvider time)
{
    /// <summary>Nodes that are kept in mind.</summary>
    private const int MostNodes = 65_536;

    /// <summary>For so long a node may save up messages.</summary>
    private const double BurstSeconds = 10;

    private readonly Dictionary<Address, Meter> _nodes = [];

    /// <summary>A message of a device comes.</summary>
    /// <param name="from">The sender's node.</param>
    /// <param name="device">The device that it is about.</param>
    /// <returns>Why it is refused, or null.</returns>
    public string? Refusal(Address from, DeviceId device)
    {
        if (!_nodes.TryGetValue(from, out var node))
        {
            if (_nodes.Count >= MostNodes)
            {
                return $"more than {MostNodes} nodes speak to the server";
            }

            _nodes[from] = node = new Meter(new TokenBucket(limits.MessagesPerSecond * BurstSeconds, time));
        }

        if (!node.Devices.Contains(device))
        {
            if (node.Devices.Count >= limits.DevicesPerNode)
            {
                return $"it speaks for more than {limits.DevicesPerNode} devices (splitfrozen.security.limits.devices-per-node)";
            }

            node.Devices.Add(device);
        }

        var rate = (double)limits.MessagesPerSecond * node.Devices.Count;
        return node.Messages.Take(rate, rate * BurstSeconds) ? null
            : $"it sends more than {limits.MessagesPerSecond} messages a second for each of its devices (splitfrozen.security.limits.messages-per-second)";
    }

    /// <summary>A node has left.</summary>
    public void Forget(Address node) => _nodes.Remove(node);

    private sealed record Meter(TokenBucket Messages)
    {
        public HashSet<DeviceId> Devices { get; } = [];
    }
}
