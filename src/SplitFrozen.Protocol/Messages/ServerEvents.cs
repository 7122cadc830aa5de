namespace SplitFrozen.Protocol.Messages;

/// <summary>What server nodes that hold trainer stages tell the coordinator.</summary>
public static class ServerEvents
{
    /// <summary>An event of one server node.</summary>
    public interface IServerEvent : IWireMessage, IValidated;

    /// <summary>The node is there and asks for stages.</summary>
    /// <param name="Node">Its name, for people.</param>
    /// <param name="IsMain">Whether it is the node that the coordinator lives on.</param>
    /// <param name="ProtocolVersion">Version it speaks.</param>
    /// <param name="ModelFingerprint">Hash of its model folder (hexadecimal).</param>
    /// <param name="Threads">Threads of its matrix products.</param>
    /// <param name="Host">Where other server nodes connect to.</param>
    /// <param name="Port">TCP port.</param>
    /// <param name="Megabits">Emulated rate of its link in 10⁶ bits a second; 0: as fast as the network is.</param>
    /// <param name="LatencySeconds">Emulated latency of its link.</param>
    public sealed record Greeted(
        string Node, bool IsMain, int ProtocolVersion, string ModelFingerprint, int Threads, string Host, int Port, double Megabits,
        double LatencySeconds) : IServerEvent
    {
        /// <summary>Whether the node was told that a standby server may take over; all nodes must have been, or none.</summary>
        public bool KnowsStandby { get; init; }

        /// <summary>Release of its program; null from one that does not say.</summary>
        public string? Release { get; init; }

        /// <inheritdoc/>
        public string? Fault() =>
            (string.IsNullOrEmpty(Host) ? "a host is missing" : null) ?? Faults.Text("node's name", Node, 256) ?? Faults.Text("model's fingerprint", ModelFingerprint, 256)
            ?? Faults.Text("host", Host, 256) ?? Faults.Range("port", Port, 1, 65535)
            ?? (double.IsFinite(Megabits) && Megabits >= 0 && double.IsFinite(LatencySeconds) && LatencySeconds is >= 0 and <= 3600 ? null : "a link's rate or latency is out of range");
    }

    /// <summary>The node measured itself.</summary>
    /// <param name="FlopsPerSecond">Floating-point operations a second in training a block.</param>
    public sealed record Measured(double FlopsPerSecond) : IServerEvent
    {
        /// <inheritdoc/>
        public string? Fault() => double.IsFinite(FlopsPerSecond) && FlopsPerSecond > 0 ? null : "a rate is not a positive number";
    }

    /// <summary>The node cannot be measured, as the model cannot be loaded there.</summary>
    /// <param name="Reason">What is wrong and what to do, for a person.</param>
    public sealed record Failed(string Reason) : IServerEvent
    {
        /// <inheritdoc/>
        public string? Fault() => Reason is null ? "a reason is missing" : null;
    }

    /// <summary>All links of a layout are open at this node.</summary>
    public sealed record Connected(int Layout) : IServerEvent
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }

    /// <summary>The node has written a frame to another server node whole; only where the run is traced.</summary>
    /// <param name="Layout">The layout that the link belongs to.</param>
    /// <param name="Peer">Place of the node at its other end.</param>
    /// <param name="SentAt">Time of sending this by the node's clock, in microseconds since the Unix epoch.</param>
    /// <param name="Start">When writing began, by the same clock.</param>
    /// <param name="Duration">Microseconds it took.</param>
    public sealed record Transferred(int Layout, int Peer, long SentAt, long Start, long Duration) : IServerEvent
    {
        /// <inheritdoc/>
        public string? Fault() => Duration is < 0 or > 86_400_000_000 || Math.Abs(SentAt - Start) > 86_400_000_000 ? "a time of a transfer is out of range" : null;
    }

    /// <summary>A link broke, or cannot be opened.</summary>
    /// <param name="Layout">The layout it belongs to.</param>
    /// <param name="Peer">Place of the node at its other end.</param>
    /// <param name="Reason">Why.</param>
    public sealed record LinkBroken(int Layout, int Peer, string Reason) : IServerEvent
    {
        /// <inheritdoc/>
        public string? Fault() => Reason is null ? "a reason is missing" : null;
    }
}
