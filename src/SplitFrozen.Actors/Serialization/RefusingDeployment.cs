using System.Runtime.Serialization;

using Akka.Actor;

using AkkaSerializer = Akka.Serialization.Serializer;

namespace SplitFrozen.Actors.Serialization;

/// <summary>
/// Stands in the place of Akka's serializer of remote deployment (identifier 3), by which a node could have another create any actor whose type it has
/// loaded: nodes create their own actors only.
/// </summary>
/// <param name="system">The node's actor system.</param>
public sealed class RefusingDeployment(ExtendedActorSystem system) : AkkaSerializer(system)
{
    /// <inheritdoc/>
    public override int Identifier => 3;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => throw new SerializationException("Actors are not created on other nodes.");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type)
    {
        const string Refusal = "Another node asked for an actor to be created here, which was refused: nodes create their own actors only.";
        WireRefused.Publish(base.system, Refusal);
        throw new SerializationException(Refusal);
    }
}
