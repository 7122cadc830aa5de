using Akka.Cluster;

namespace SplitFrozen.Actors;

/// <summary>A node's name travels as one of its cluster roles.</summary>
internal static class NodeName
{
    private const string Prefix = "name:";

    /// <summary>The role that carries a name.</summary>
    public static string Role(string name) => Prefix + name;

    /// <summary>The name of a member; its address where it has none.</summary>
    public static string Of(Member member) =>
        member.Roles.FirstOrDefault(r => r.StartsWith(Prefix, StringComparison.Ordinal)) is { } role ? role[Prefix.Length..] : member.Address.ToString();
}
