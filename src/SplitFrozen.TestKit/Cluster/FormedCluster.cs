using System.Diagnostics;

using Akka.Actor;
using Akka.Configuration;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>
/// A cluster that really forms: an actor system for each node, joined over TCP on loopback, with failure detector, split brain resolver and short time-outs. Nodes are lost and
/// come again, and are cut off for so short a time that nobody notices, until they are unreachable, or until they are downed. Time is the machine's.
/// </summary>
public sealed class FormedCluster
{
    /// <summary>Loss is noticed within seconds, and nobody says goodbye.</summary>
    private static readonly Config ShortTimes = ConfigurationFactory.ParseString(
        """
        akka {
          coordinated-shutdown.run-by-actor-system-terminate = off
          remote {
            dot-netty.tcp { applied-adapters = [trttl], connection-timeout = 3s }
            retry-gate-closed-for = 200ms
          }
          cluster {
            gossip-interval = 100ms
            leader-actions-interval = 100ms
            unreachable-nodes-reaper-interval = 100ms
            periodic-tasks-initial-delay = 100ms
            retry-unsuccessful-join-after = 500ms
            seed-node-timeout = 1s
            failure-detector { heartbeat-interval = 200ms, acceptable-heartbeat-pause = 1s, expected-response-after = 200ms }
            split-brain-resolver.stable-after = 1s
          }
        }
        """);

    private readonly TestClusterOptions _options;
    private readonly TestSetup _setup;
    private readonly Config _akka;
    private readonly FaultInjector _faults;
    private readonly FrozenWatch _frozen;
    private readonly List<StageCall> _calls = [];
    private readonly RunRecord _record;
    private readonly TaskCompletionSource<RunSummary> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<NodeLife> _nodes = [];
    private int _port;

    private FormedCluster(TestClusterOptions options)
    {
        (_options, _setup, _faults, _frozen) = (options, new TestSetup(options), new FaultInjector(options.Faults), new FrozenWatch(options.Model));
        _akka = ShortTimes.WithFallback(_setup.Akka);
        _record = new RunRecord(e =>
        {
            options.OnEvent(e);
            if (e is RunEvent.StepDone)
            {
                Strike();
            }
        });
    }

    /// <summary>Trains under the plan's faults, to the end. A node is a device's, or a further server's; every fault is counted by optimiser steps.</summary>
    /// <returns>What came of it, to assert on.</returns>
    /// <exception cref="FaultRunException">The run failed or came to a halt; the message tells the plan, and the call that draws it again.</exception>
    public static async Task<TestRun> RunAsync(TestClusterOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("splitfrozen-testkit");
        try
        {
            return await new FormedCluster(options).TrainAsync(new RunPaths(folder.FullName)).WaitAsync(options.RealLimit).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not FaultRunException)
        {
            throw new FaultRunException(options.Faults, e.Message, e);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<TestRun> TrainAsync(RunPaths paths)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            for (var resumes = false; ;)
            {
                try
                {
                    var summary = await LiveAsync(paths, resumes).ConfigureAwait(false);
                    return new TestRun(
                        _options, _setup.Settings, summary, _record.Events, _record.LossByStep, LedgerFile.Read(paths.Ledger).Records, Calls(), _faults, _frozen,
                        _setup.Reference, Stopwatch.GetElapsedTime(began));
                }
                catch (ServerCrashException)
                {
                    resumes = Directory.Exists(paths.Checkpoints) && Directory.GetDirectories(paths.Checkpoints).Length > 0;
                }
            }
        }
        finally
        {
            await Task.WhenAll(_nodes.Select(n => n.EndAsync())).ConfigureAwait(false);
        }
    }

    /// <summary>One life of the server; the other nodes outlive it.</summary>
    private async Task<RunSummary> LiveAsync(RunPaths paths, bool resumes)
    {
        lock (_calls)
        {
            _calls.Clear();
        }

        var run = _setup.Server(Watched(), paths, _record, resumes);
        run = run with { Settings = run.Settings with { Cluster = run.Settings.Cluster with { Port = _port } } };
        var server = ServerNode.Start(run, _akka);
        try
        {
            _port = server.Address.Port!.Value;
            StartNodes($"{server.Address.Host}:{_port}");
            return await (await Task.WhenAny(server.ResultAsync(run), _failed.Task).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (ServerCrashException)
        {
            await server.System.Terminate().ConfigureAwait(false);
            throw;
        }
        finally
        {
            await server.EndAsync().ConfigureAwait(false);
        }
    }

    private void StartNodes(string seed)
    {
        if (_nodes.Count > 0)
        {
            return;
        }

        var cluster = _setup.Settings.Cluster with { Port = 0, SeedNodes = [seed] };
        for (var part = 0; part < _options.Devices; part++)
        {
            var id = SharedDevices.Id(part);
            var device = new DeviceNodeOptions(
                cluster, new NodeProfile($"node-{part}", null), new InterceptedModel(_options.Model, _ => { }) { Freezes = _frozen },
                new DeviceData(_options.Data, OwnFolder: false, part), id, _options.Devices, ExpectedNodes: 1, StartLimit: null)
            {
                Route = new ChannelRoute(null, stream => _faults.Link(id, stream)),
            };
            _nodes.Add(new DeviceLife(id, device, _akka, _faults, Failed));
        }

        for (var node = 1; node < _options.Servers; node++)
        {
            var options = new StageNodeOptions(
                cluster, new NodeProfile($"server-{node}", null), Watched(), _setup.Threads, "127.0.0.1", 0, _setup.Settings.Channel.MaxFrameBytes, null, StartLimit: null);
            _nodes.Add(new StageLife(options, _akka, Failed));
        }

        _nodes.ForEach(n => n.Start());
    }

    private void Failed(Exception error) => _failed.TrySetException(error);

    private StageCall[] Calls()
    {
        lock (_calls)
        {
            return [.. _calls];
        }
    }

    private InterceptedModel Watched() => new(_options.Model, Note) { Freezes = _frozen };

    /// <summary>Notes what a stage is about to do. What is not done by an actor is a node that measures itself.</summary>
    private void Note(StageCall call)
    {
        if (!ActorCell.GetCurrentSelfOrNoSender().IsNobody())
        {
            lock (_calls)
            {
                _calls.Add(call);
            }
        }
    }

    /// <summary>A step was made: whatever is due strikes.</summary>
    private void Strike()
    {
        foreach (var device in _nodes.OfType<DeviceLife>().ToList())
        {
            if (_faults.Pass(new FaultSite(FaultPoint.Device, FaultActivity.Message, device.Device, "")) is { } rule)
            {
                device.Strike(rule, FaultPoint.ToServer, FaultPoint.ToDevice);
            }

            foreach (var way in (FaultPoint[])[FaultPoint.ToServer, FaultPoint.ToDevice])
            {
                if (_faults.Pass(new FaultSite(way, FaultActivity.Message, device.Device, "")) is { } cut)
                {
                    device.Strike(cut, way);
                }
            }
        }

        if (_faults.Pass(new FaultSite(FaultPoint.StageNode, FaultActivity.Compute, null, "")) is { } crash)
        {
            _nodes.OfType<StageLife>().FirstOrDefault()?.Crash(crash.For);
        }

        if (_faults.Pass(new FaultSite(FaultPoint.Server, FaultActivity.Step, null, "")) is not null)
        {
            throw new ServerCrashException();
        }
    }

    /// <summary>Stands for the end of the server's process.</summary>
    private sealed class ServerCrashException : Exception;
}
