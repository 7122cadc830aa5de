using System.Runtime.Serialization;

using Akka.Actor;
using Akka.Configuration;

using AkkaSerializer = Akka.Serialization.Serializer;

namespace SplitFrozen.Actors.Serialization;

/// <summary>
/// Stands in the place of Akka's JSON serializer (identifier 1), which would instantiate whatever type the wire names: what has no
/// serializer of its own can be neither sent nor received.
/// </summary>
public sealed class RefusingSerializer : AkkaSerializer
{
    /// <summary>Made by Akka from its configuration, with the settings that it ships for the JSON serializer and that mean nothing here.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings) : base(system)
    {
        ArgumentNullException.ThrowIfNull(settings);
    }

    /// <inheritdoc/>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj.GetType()} has no serializer: messages that cross the wire belong to the protocol.");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type)
    {
        const string Refusal = "A message in JSON was refused: messages that cross the wire belong to the protocol.";
        WireRefused.Publish(system, Refusal);
        throw new SerializationException(Refusal);
    }
}
