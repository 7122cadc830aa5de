using System.Diagnostics;

using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;

using SplitFrozen.Actors.Hosting;

using ClusterSettings = SplitFrozen.Domain.Configuration.ClusterSettings;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>A real cluster beside the channel, with the settings that nodes have, and pings over it while something else runs.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    /// <summary>Name of the actor system.</summary>
    public const string SystemName = "bench";

    /// <summary>Output belongs to the benchmark.</summary>
    private static readonly Config Quiet = ConfigurationFactory.ParseString("akka.loglevel = OFF");

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private readonly ActorSystem _system;
    private readonly List<double> _milliseconds = [];

    public ControlPlane()
    {
        _system = Start(new ClusterSettings(SystemName, "127.0.0.1", 0, []), "server");
        var cluster = Cluster.Get(_system);
        cluster.Join(cluster.SelfAddress);
        SeedNode = $"{cluster.SelfAddress.Host}:{cluster.SelfAddress.Port}";
    }

    /// <summary>Where to join, as host:port.</summary>
    public string SeedNode { get; }

    /// <summary>All round trips so far, in milliseconds.</summary>
    public IReadOnlyList<double> Milliseconds => _milliseconds;

    /// <summary>Starts a node as the program does.</summary>
    public static ActorSystem Start(ClusterSettings settings, string role) =>
        ActorSystem.Create(settings.Name, ActorConfig.ForNode(Quiet, settings, [role]));

    /// <summary>Pings a node of the cluster, one ping after another, until something is over.</summary>
    public async Task PingWhileAsync(string node, Task running)
    {
        var target = _system.ActorSelection($"{node}/user");
        while (!running.IsCompleted)
        {
            var began = Stopwatch.GetTimestamp();
            await target.Ask<ActorIdentity>(new Identify(began), Longest).ConfigureAwait(false);
            _milliseconds.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            await Task.WhenAny(running, Task.Delay(Pause)).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _system.Terminate().ConfigureAwait(false);
}
