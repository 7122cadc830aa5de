using Akka.Configuration;
using Akka.Event;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Actors.Hosting;

/// <summary>Keeps a standby node in a cluster until it is needed or the run is over; one that is cut off from a server that lives joins again.</summary>
public static class ServerStandby
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Waits for the node's turn.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="lease">The run's lease.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <param name="stop">Cancelled when the node is to leave.</param>
    /// <returns>The node, which is the server now; or null: the run is over, or the node was to leave.</returns>
    /// <exception cref="UserErrorException">An address cannot be listened on, no seed node is given, or the lease cannot be read.</exception>
    public static async Task<ServerNode?> WaitAsync(Settings settings, RunLease lease, Config akka, CancellationToken stop)
    {
        if (settings.Cluster.SeedNodes.Count == 0)
        {
            throw new UserErrorException("A standby server needs the active server's address. Set splitfrozen.cluster.seed-nodes = [\"host:port\"].");
        }

        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var node = ServerNode.StandBy(settings, lease, akka);
            var end = await WaitAsync(node, settings.Health, stop).ConfigureAwait(false);
            if (end == StandbyEnd.Turn)
            {
                return node;
            }

            await node.DisposeAsync().ConfigureAwait(false);
            if (end == StandbyEnd.CutOff)
            {
                await Task.WhenAny(Task.Delay(pause, stop)).ConfigureAwait(false);
            }

            if (end != StandbyEnd.CutOff || stop.IsCancellationRequested)
            {
                return null;
            }
        }
    }

    private static async Task<StandbyEnd> WaitAsync(ServerNode node, HealthSettings settings, CancellationToken stop)
    {
        try
        {
            using var health = HealthEndpoint.Start(settings, node.Live, node.Ready);
            Logging.GetLogger(node.System, typeof(ServerStandby)).Info("Stands by at {Address}", node.Address);
            return await node.TurnAsync(stop).ConfigureAwait(false);
        }
        catch
        {
            await node.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
