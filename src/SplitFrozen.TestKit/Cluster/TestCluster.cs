using Akka.Actor;
using Akka.Configuration;

using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.Timing;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>
/// Server nodes and virtual devices in one process, with the actors, the frames and the files of production, and faults where a plan has them. Control messages, activations
/// and rows are carried in memory. Time is controlled: it passes when nothing else happens, so that time-outs take no real time.
/// </summary>
public sealed class TestCluster
{
    /// <summary>The cluster's daemon has no members to talk to: its timers would only cost time.</summary>
    private static readonly Config NoMembers = ConfigurationFactory.ParseString(
        """
        akka.cluster {
          periodic-tasks-initial-delay = 1d
          gossip-interval = 1d
          leader-actions-interval = 1d
          unreachable-nodes-reaper-interval = 1d
          failure-detector.heartbeat-interval = 1d
        }
        akka.remote.watch-failure-detector { heartbeat-interval = 1d, unreachable-nodes-reaper-interval = 1d }
        """);

    private readonly TestClusterOptions _options;
    private readonly TestSetup _setup;
    private readonly ControlledTime _time;
    private readonly FaultInjector _faults;
    private readonly List<StageCall> _calls = [];
    private readonly FrozenWatch _frozen;
    private readonly RunRecord _record;
    private IActorRef _stages = ActorRefs.Nobody;

    private TestCluster(TestClusterOptions options, ControlledTime time)
    {
        (_options, _setup, _time, _faults) = (options, new TestSetup(options), time, new FaultInjector(options.Faults, time));
        _frozen = new FrozenWatch(options.Model);
        _record = new RunRecord(e =>
        {
            options.OnEvent(e);
            if (e is RunEvent.StepDone && _faults.Pass(new FaultSite(FaultPoint.Server, FaultActivity.Step, null, "")) is { } rule)
            {
                Strike(rule);
            }
        });
    }

    /// <summary>Trains under the plan's faults, to the end.</summary>
    /// <returns>What came of it, to assert on.</returns>
    /// <exception cref="FaultRunException">The run failed or came to a halt; the message tells the plan, and the seed that replays it.</exception>
    public static async Task<TestRun> RunAsync(TestClusterOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("splitfrozen-testkit");
        using var time = new ControlledTime();
        try
        {
            return await new TestCluster(options, time).TrainAsync(new RunPaths(folder.FullName)).ConfigureAwait(false);
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
        for (var resumes = false; ;)
        {
            try
            {
                var summary = await LiveAsync(paths, resumes).ConfigureAwait(false);
                return new TestRun(
                    _options, _setup.Settings, summary, _record.Events, _record.LossByStep, LedgerFile.Read(paths.Ledger).Records, [.. _calls], _faults, _frozen,
                    _setup.Reference, _time.Elapsed);
            }
            catch (ServerCrashException)
            {
                // The next life of the server goes on from the files; before the first checkpoint there is nothing to go on from.
                resumes = Directory.Exists(paths.Checkpoints) && Directory.GetDirectories(paths.Checkpoints).Length > 0;
            }
        }
    }

    /// <summary>One life of the server, with devices and further server nodes that begin anew with it.</summary>
    private async Task<RunSummary> LiveAsync(RunPaths paths, bool resumes)
    {
        lock (_calls)
        {
            _calls.Clear();
        }

        var carrier = new MemoryCarrier(_time);
        var run = _setup.Server(Watched(call => Note(call, () => _faults.Compute(FaultPoint.Server, null))), paths, _record, resumes) with
        {
            Carrier = carrier,
            Time = _faults.ServerTime,
            StageLink = _faults.StageLink,
        };
        var (scheduler, end) = ControlledScheduler.For(_time);
        using var registered = end;
        var config = ActorConfig.ForNode(_setup.Akka, _setup.Settings.Cluster with { Port = 0 }, ["server"]);
        var system = ActorSystem.Create("faults", FaultMailbox.Hocon.WithFallback(scheduler).WithFallback(NoMembers).WithFallback(config));
        try
        {
            return await TrainOnAsync(system, run, carrier).ConfigureAwait(false);
        }
        finally
        {
            await system.Terminate().ConfigureAwait(false);
        }
    }

    private async Task<RunSummary> TrainOnAsync(ActorSystem system, ServerRun run, MemoryCarrier carrier)
    {
        var failed = new TaskCompletionSource<RunSummary>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Fail(Exception error) => failed.TrySetException(error);

        var extension = FaultExtensionProvider.Instance.Apply(system);
        (extension.Injector, extension.Time) = (_faults, _time);
        _time.After(_options.Limit, () => Fail(new TimeoutException($"The run came to a halt: it did not end within {_options.Limit.TotalMinutes:0} minutes of the cluster's time.")));
        var server = system.ActorOf(Props.Create(() => new ServerSupervisorActor(run)), "supervisor");
        var nodes = new DeviceKeeper.Nodes(_options.Devices, OfDevice, _setup.DeviceData(_time), server, _setup.Settings.Allocation.Smoothing, _faults, carrier, Fail);
        var keeper = system.ActorOf(Props.Create(() => new DeviceKeeper(nodes)), "devices");
        extension.Crash = (device, away) => keeper.Tell(new DeviceKeeper.CrashDevice(device, away));
        if (_options.Servers > 1)
        {
            var door = new DoorOptions("127.0.0.1", 0, null, _setup.Settings.Channel.MaxFrameBytes) { Carrier = carrier, Time = _time, Link = _faults.StageLink };
            var stages = new StageKeeper.Nodes(_options.Servers, OfStageNode, _setup.Threads, server, door, Fail);
            _stages = system.ActorOf(Props.Create(() => new StageKeeper(stages)), "server-nodes");
        }

        var first = await Task.WhenAny(run.Result, failed.Task).WaitAsync(_options.RealLimit).ConfigureAwait(false);
        return await first.ConfigureAwait(false);
    }

    private void Strike(FaultRule rule)
    {
        if (rule.Kind == FaultKind.ClockJump)
        {
            _faults.ServerTime.Jump(rule.For);
        }
        else
        {
            throw new ServerCrashException();
        }
    }

    private InterceptedModel Watched(Action<StageCall> before) => new(_options.Model, before) { Freezes = _frozen, Clock = _time };

    private InterceptedModel OfDevice(DeviceId device) => new(_options.Model, _ => { })
    {
        Embedding = (_, _) =>
        {
            _time.Worked(_options.OperationTime);
            _faults.Compute(FaultPoint.Device, device);
        },
        Freezes = _frozen,
        Clock = _time,
    };

    private InterceptedModel OfStageNode(string node) => Watched(call => Note(call, () =>
    {
        if (_faults.Compute(FaultPoint.StageNode, null) is { Kind: FaultKind.Crash } crash)
        {
            _stages.Tell(new StageKeeper.CrashNode(node, crash.For));
        }
    }));

    /// <summary>Notes what a stage is about to do. What is not done by an actor is a node that measures itself.</summary>
    private void Note(StageCall call, Action forward)
    {
        if (ActorCell.GetCurrentSelfOrNoSender().IsNobody())
        {
            return;
        }

        lock (_calls)
        {
            _calls.Add(call);
        }

        _time.Worked(_options.OperationTime);
        if (call.Operation == "F")
        {
            forward();
        }
    }

    /// <summary>Stands for the end of the server's process.</summary>
    private sealed class ServerCrashException : Exception;
}
