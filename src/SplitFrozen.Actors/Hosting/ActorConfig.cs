using Akka.Configuration;

using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Hosting;

/// <summary>Akka's own settings: the shipped ones (akka.conf), under what a configuration file or a node's role says.</summary>
internal static class ActorConfig
{
    /// <summary>A thread of its own for each actor that computes.</summary>
    public const string ComputeDispatcher = "splitfrozen-compute-dispatcher";

    /// <summary>A thread of its own for each actor that copies activations.</summary>
    public const string DataDispatcher = "splitfrozen-data-dispatcher";

    /// <summary>The shipped settings.</summary>
    public static Config Shipped { get; } = Load();

    /// <summary>TLS for the control plane; certificates and their check come as a setup (<see cref="Security.TlsIdentity"/>).</summary>
    public static Config Secured { get; } = ConfigurationFactory.ParseString("akka.remote.dot-netty.tcp.enable-ssl = on");

    /// <summary>The settings of a node.</summary>
    /// <param name="user">The user's configuration; its section akka goes before the shipped one.</param>
    /// <param name="cluster">Where the node is reached.</param>
    /// <param name="roles">Its roles.</param>
    /// <param name="awaited">How many members of a role must have joined before any is up.</param>
    public static Config ForNode(Config user, ClusterSettings cluster, IEnumerable<string> roles, params (string Role, int Members)[] awaited)
    {
        var lines = new List<string>
        {
            $"akka.remote.dot-netty.tcp.hostname = \"{cluster.Host}\"",
            $"akka.remote.dot-netty.tcp.port = {cluster.Port}",
            $"akka.cluster.roles = [{string.Join(", ", roles.Select(r => $"\"{r}\""))}]",
        };
        if (cluster.Standby)
        {
            // With a majority of servers the survivor of two would down itself.
            lines.Add("akka.cluster.downing-provider-class = \"Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster\"");
            lines.Add("akka.cluster.split-brain-resolver.active-strategy = lease-majority");
        }

        lines.AddRange(awaited.Select(a => $"akka.cluster.role.{a.Role}.min-nr-of-members = {a.Members}"));
        return ConfigurationFactory.ParseString(string.Join('\n', lines)).WithFallback(user).WithFallback(Shipped);
    }

    private static Config Load()
    {
        using var stream = typeof(ActorConfig).Assembly.GetManifestResourceStream("SplitFrozen.Actors.akka.conf")!;
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}
