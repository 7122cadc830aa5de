using System.Net;

using Akka.Actor;

namespace SplitFrozen.Actors.Serialization;

/// <summary>Something that another node sent could not be read, or must not be: published to the actor system's event stream.</summary>
/// <param name="From">The node that sent it, or null where that is not known.</param>
/// <param name="Reason">What is wrong with it.</param>
internal sealed record WireRefused(Address? From, string Reason) : ILocalMessage
{
    private const string Reader = "endpointReader-";

    /// <summary>Tells of what the calling thread has just refused to read.</summary>
    public static void Publish(ExtendedActorSystem system, string reason)
    {
        if (Peer() is { } peer)
        {
            system.EventStream.Publish(new WireRefused(peer, reason));
        }
    }

    /// <summary>
    /// The node at the other end of the association that the calling thread reads. Messages are read inside the association's actor, and Akka tells the serializer nothing of whose
    /// they are; but that actor's name holds the address, as a URL.
    /// </summary>
    private static Address? Peer()
    {
        if (ActorCell.GetCurrentSelfOrNoSender() is not { } reader || reader.IsNobody() || !reader.Path.Name.StartsWith(Reader, StringComparison.Ordinal))
        {
            return null;
        }

        var name = reader.Path.Name[Reader.Length..];
        var end = name.LastIndexOf('-');
        return end > 0 && ActorPath.TryParseAddress(WebUtility.UrlDecode(name[..end]), out var address) ? address : null;
    }
}
