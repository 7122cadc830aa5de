using Akka.Actor;
using Akka.Cluster;

using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Hosting;

/// <summary>Addresses of seed nodes as people write them.</summary>
internal static class SeedNode
{
    /// <summary>Lets a node join those that it was given, by the protocol that it speaks itself: with TLS addresses begin otherwise.</summary>
    public static void Join(Cluster member, IEnumerable<Address> seeds) =>
        member.JoinSeedNodes(seeds.Select(seed => seed.WithProtocol(member.SelfAddress.Protocol)));

    /// <summary>Reads host:port.</summary>
    /// <exception cref="UserErrorException">It is neither.</exception>
    public static Address Parse(string text, string systemName)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), out var port) && port is > 0 and <= 65535
            ? new Address("akka.tcp", systemName, text[..colon], port)
            : throw new UserErrorException($"splitfrozen.cluster.seed-nodes holds \"{text}\". Give host:port, such as \"10.0.0.5:4053\".");
    }
}
