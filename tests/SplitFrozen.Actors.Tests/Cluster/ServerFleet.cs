using Akka.Actor;

using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A main server node, further ones that can be lost and started again, and a device node; each an actor system of its own.</summary>
internal sealed class ServerFleet : IAsyncDisposable
{
    /// <summary>Loss is noticed soon, and nobody says goodbye.</summary>
    public static readonly string[] QuickLoss =
    [
        "akka.cluster.failure-detector.acceptable-heartbeat-pause=2s", "akka.cluster.split-brain-resolver.stable-after=2s",
        "akka.coordinated-shutdown.run-by-actor-system-terminate=off",
    ];

    private readonly StandInRun _run;
    private readonly ServerNode _main;
    private readonly ClusterSettings _cluster;
    private readonly Dictionary<string, StageNode> _stages = [];
    private readonly List<DeviceNodeHost> _devices = [];

    public ServerFleet(StandInRun run, CancellationToken stop = default)
    {
        _run = run;
        Server = run.Server(stop);
        _main = ServerNode.Start(Server, run.Akka);
        _cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{_main.Address.Host}:{_main.Address.Port}"] };
        foreach (var profile in run.Settings.Nodes)
        {
            _devices.Add(DeviceNodeHost.Start(
                new DeviceNodeOptions(_cluster, profile, run.Model, new DeviceData(run.Data, OwnFolder: false, Part: null), null, run.Settings.Data.Partition.Devices, 1, null),
                run.Akka));
        }
    }

    public ServerRun Server { get; }

    public Task<RunSummary> Result => Server.Result;

    /// <summary>The main server node's actor system.</summary>
    public ActorSystem MainSystem => _main.System;

    /// <summary>Starts a further server node.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="threads">Threads that it says it computes with.</param>
    public StageNode Start(string name, int threads = 1) => _stages[name] = StageNode.Start(
        new StageNodeOptions(
            _cluster, new NodeProfile(name, null), _run.Model, threads, "127.0.0.1", 0, _run.Settings.Channel.MaxFrameBytes, null, StartLimit: null),
        _run.Akka);

    /// <summary>Ends a further server node without a word.</summary>
    public Task KillAsync(string name) => _stages[name].System.Terminate();

    public async ValueTask DisposeAsync() =>
        await Task.WhenAll([.. _devices.Select(d => d.EndAsync()), .. _stages.Values.Select(s => s.EndAsync()), _main.EndAsync()]);
}
