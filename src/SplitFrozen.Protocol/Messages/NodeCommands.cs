namespace SplitFrozen.Protocol.Messages;

/// <summary>What the server tells a device node as a whole.</summary>
public static class NodeCommands
{
    /// <summary>Let the devices finish the units at hand, and leave the cluster.</summary>
    /// <param name="Node">Name of the node that is meant.</param>
    public sealed record Drain(string Node) : IWireMessage, IValidated
    {
        /// <inheritdoc/>
        public string? Fault() => string.IsNullOrEmpty(Node) ? "a node is not named" : null;
    }
}
