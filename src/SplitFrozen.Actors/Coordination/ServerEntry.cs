using Akka.Actor;

using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>A server node as the coordinator knows it.</summary>
/// <param name="Ref">The actor that holds its stages.</param>
/// <param name="Greeting">What it told of itself.</param>
internal sealed record ServerEntry(IActorRef Ref, ServerEvents.Greeted Greeting)
{
    /// <summary>Its name, for people.</summary>
    public string Name => Greeting.Node;

    /// <summary>Floating-point operations a second that it measured, or null: not yet.</summary>
    public double? Rate { get; set; }

    /// <summary>How far the server's clock is ahead of the node's, message delivery included, or null while unknown.</summary>
    public TimeSpan? ClockOffset { get; set; }
}
