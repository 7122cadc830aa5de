namespace SplitFrozen.Protocol.Messages;

/// <summary>What the coordinator tells the server nodes that hold trainer stages.</summary>
public static class ServerCommands
{
    /// <summary>A command for one server node.</summary>
    public interface IServerCommand : IWireMessage, IValidated;

    /// <summary>The node may hold stages: measure it on one block of this kind.</summary>
    /// <param name="Probe">A stage of one block.</param>
    /// <param name="Samples">Samples of the batch to measure with.</param>
    /// <param name="Length">Tokens of each.</param>
    public sealed record Welcome(StageSpec Probe, int Samples, int Length) : IServerCommand
    {
        /// <inheritdoc/>
        public string? Fault() =>
            (Probe is null ? "the probe is missing" : Probe.Fault()) ?? Faults.Range("samples", Samples, 1, 1_000_000) ?? Faults.Range("length", Length, 1, 10_000_000);
    }

    /// <summary>The node may not take part.</summary>
    /// <param name="Explanation">What is wrong and what to do, for a person.</param>
    public sealed record Refuse(string Explanation) : IServerCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Explanation is null ? "an explanation is missing" : null;
    }

    /// <summary>Connect the stages: open these links, drop those of an earlier layout, and say when all are open.</summary>
    /// <param name="Layout">Number of the layout; a later one has a higher number.</param>
    /// <param name="Self">Place of the node among the server nodes, from 0; 0 is the main one.</param>
    /// <param name="NodeOfStage">The place of the node that holds each stage [p].</param>
    /// <param name="Links">The node's links to others.</param>
    public sealed record Arrange(int Layout, int Self, int[] NodeOfStage, ServerLink[] Links) : IServerCommand
    {
        /// <summary>Whether the node tells of each frame that it has written.</summary>
        public bool Trace { get; init; }

        /// <inheritdoc/>
        public string? Fault() =>
            Faults.Range("layout", Layout, 1, int.MaxValue) ?? Faults.Range("node", Self, 0, 10_000)
            ?? (NodeOfStage is null || Links is null || Array.Exists(Links, l => l is null) ? "a field is missing" : null)
            ?? (Array.Exists(NodeOfStage!, n => n is < 0 or > 10_000) ? "a node is out of range" : null)
            ?? Array.ConvertAll(Links!, l => l.Fault()).FirstOrDefault(f => f is not null);
    }

    /// <summary>The run is over, or goes on without the node.</summary>
    public sealed record Finish : IServerCommand
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }
}

/// <summary>One end of a connection between two server nodes.</summary>
/// <param name="Peer">The other node's place.</param>
/// <param name="Dial">Whether this end connects; otherwise it waits for the other.</param>
/// <param name="Host">Where the other node listens.</param>
/// <param name="Port">Its TCP port.</param>
/// <param name="Token">Secret (32 hexadecimal digits) that names the link.</param>
/// <param name="Megabits">Emulated rate in 10⁶ bits a second; 0: as fast as the network is.</param>
/// <param name="LatencySeconds">Emulated latency.</param>
public sealed record ServerLink(int Peer, bool Dial, string Host, int Port, string Token, double Megabits, double LatencySeconds) : IValidated
{
    /// <inheritdoc/>
    public string? Fault() =>
        Faults.Range("peer", Peer, 0, 10_000) ?? Faults.Range("port", Port, 1, 65535)
        ?? (string.IsNullOrEmpty(Host) || Token is not { Length: 32 } ? "a link is incomplete" : null)
        ?? (double.IsFinite(Megabits) && Megabits >= 0 && double.IsFinite(LatencySeconds) && LatencySeconds is >= 0 and <= 3600 ? null : "a link's rate or latency is out of range");
}
