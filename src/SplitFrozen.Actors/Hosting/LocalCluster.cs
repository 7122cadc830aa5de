using Akka.Configuration;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Actors.Hosting;

/// <summary>A cluster in one process: a server node, the further ones of splitfrozen.server.nodes and the device nodes of splitfrozen.nodes, each an actor system of its own, joined over TCP on loopback.</summary>
public static class LocalCluster
{
    /// <summary>Forms the cluster, runs to the end, and takes the cluster down again.</summary>
    /// <param name="run">The run.</param>
    /// <param name="data">The shared data folder.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <param name="deviceModel">The model as device nodes open it; null: as the server does.</param>
    /// <param name="link">Wraps the bytes of a node's channel connections, to shape or to disturb them; null leaves them as they are.</param>
    /// <returns>The run's summary.</returns>
    /// <exception cref="RunFailedException">The run could not start or go on.</exception>
    /// <exception cref="Domain.UserErrorException">Something that the user can mend.</exception>
    public static async Task<RunSummary> RunAsync(
        ServerRun run, DeviceData data, Config akka, IModelSource? deviceModel = null, Func<NodeProfile, Stream, Stream>? link = null)
    {
        var settings = run.Settings;
        var nodes = settings.Nodes;
        using var identity = TlsIdentity.Load(settings.Security.Tls);
        var devices = new List<DeviceNodeHost>();
        var stages = new List<StageNode>();
        var server = ServerNode.Start(run, akka, nodes.Count);
        try
        {
            using var health = HealthEndpoint.Start(settings.Health, server.Live, server.Ready);
            var cluster = settings.Cluster with { Port = 0, SeedNodes = [$"{server.Address.Host}:{server.Address.Port}"] };
            foreach (var profile in settings.Server.Nodes)
            {
                var options = new StageNodeOptions(
                    cluster, profile, run.Model, run.Spec.Threads, settings.Channel.Host, Port: 0, settings.Channel.MaxFrameBytes, identity, StartLimit: null);
                stages.Add(StageNode.Start(options, akka, nodes.Count));
            }

            foreach (var profile in nodes)
            {
                var options = new DeviceNodeOptions(
                    cluster, profile, deviceModel ?? run.Model, data, null, settings.Data.Partition.Devices, nodes.Count, StartLimit: null)
                {
                    Method = settings.Training.Method,
                    Smoothing = settings.Allocation.Smoothing,
                    Route = new ChannelRoute(identity, stream => ShapedStream.Wrap(profile, link?.Invoke(profile, stream) ?? stream, TrainingMethods.HasTrainingDevices(settings.Training.Method))),
                };
                devices.Add(DeviceNodeHost.Start(options, akka, nodes.Count));
            }

            return await FirstOf(run, [.. devices.Select(LeaveWhenDrainedAsync), .. stages.Select(s => s.Ended)]).ConfigureAwait(false);
        }
        finally
        {
            await Task.WhenAll([.. devices.Select(d => d.EndAsync()), .. stages.Select(s => s.EndAsync()), server.EndAsync()]).ConfigureAwait(false);
        }
    }

    /// <summary>A node that was drained leaves the cluster at once, so that its shared devices move; the others leave when all is over.</summary>
    private static async Task LeaveWhenDrainedAsync(DeviceNodeHost device)
    {
        await device.Ended.ConfigureAwait(false);
        if (device.IsDrained)
        {
            await device.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The run's result, or the first failure of another node if that comes before.</summary>
    private static async Task<RunSummary> FirstOf(ServerRun run, List<Task> open)
    {
        while (open.Count > 0)
        {
            var first = await Task.WhenAny([run.Result, .. open]).ConfigureAwait(false);
            if (first == run.Result)
            {
                break;
            }

            await first.ConfigureAwait(false);
            open.Remove(first);
        }

        return await run.Result.ConfigureAwait(false);
    }
}
