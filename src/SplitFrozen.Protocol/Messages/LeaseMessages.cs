namespace SplitFrozen.Protocol.Messages;

/// <summary>
/// What nodes ask the server nodes on their side of a cluster that fell apart: only these can reach the run's folder, while any node may be the one that decides.
/// </summary>
public static class LeaseMessages
{
    /// <summary>May this side live: is the run's lease here, or can it be taken?</summary>
    public sealed record Ask : IWireMessage, IValidated
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }

    /// <summary>The answer of one server node.</summary>
    /// <param name="IsHeld">Whether it has the lease.</param>
    public sealed record Answer(bool IsHeld) : IWireMessage, IValidated
    {
        /// <inheritdoc/>
        public string? Fault() => null;
    }
}
