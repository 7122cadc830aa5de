using Akka.Actor;

using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>
/// Server and virtual devices in one process, with the actors, the activation channel and the files of production, and faults where a plan has them. Control
/// messages are carried in memory, activations over TCP on loopback.
/// </summary>
public sealed class TestCluster
{
    private readonly TestClusterOptions _options;
    private readonly TestSetup _setup;
    private readonly FaultInjector _faults;
    private readonly List<StageCall> _calls = [];
    private readonly RunRecord _record;

    private TestCluster(TestClusterOptions options)
    {
        (_options, _setup, _faults) = (options, new TestSetup(options), new FaultInjector(options.Faults));
        _record = new RunRecord(e =>
        {
            options.OnEvent(e);
            if (e is RunEvent.StepDone && _faults.Pass(new FaultSite(FaultPoint.Server, FaultActivity.Step, null, "")) is not null)
            {
                throw new ServerCrashException();
            }
        });
    }

    /// <summary>Trains under the plan's faults, to the end.</summary>
    /// <returns>What came of it, to assert on.</returns>
    /// <exception cref="FaultRunException">The run failed or came to a halt; the message tells the plan, and the seed that replays it.</exception>
    public static async Task<TestRun> RunAsync(TestClusterOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("splitfrozen-testkit");
        try
        {
            return await new TestCluster(options).TrainAsync(new RunPaths(folder.FullName)).ConfigureAwait(false);
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
                    _options, _setup.Settings, summary, _record.Events, _record.LossByStep, LedgerFile.Read(paths.Ledger).Records, [.. _calls], _faults,
                    new Lazy<Reference>(_setup.InOneProcess));
            }
            catch (ServerCrashException)
            {
                // The next life of the server goes on from the files; before the first checkpoint there is nothing to go on from.
                resumes = Directory.Exists(paths.Checkpoints) && Directory.GetDirectories(paths.Checkpoints).Length > 0;
            }
        }
    }

    /// <summary>One life of the server, with devices that begin anew with it.</summary>
    private async Task<RunSummary> LiveAsync(RunPaths paths, bool resumes)
    {
        lock (_calls)
        {
            _calls.Clear();
        }

        var run = _setup.Server(new InterceptedModel(_options.Model, Before), paths, _record, resumes);
        var settings = _setup.Settings.Cluster with { Port = 0 };
        var config = ActorConfig.ForNode(_setup.Akka, settings, ["server"]);
        var system = ActorSystem.Create("faults", FaultMailbox.Hocon.WithFallback(config));
        try
        {
            var extension = FaultExtensionProvider.Instance.Apply(system);
            extension.Injector = _faults;
            var server = system.ActorOf(Props.Create(() => new ServerSupervisorActor(run)), "supervisor");
            var failed = new TaskCompletionSource<RunSummary>(TaskCreationOptions.RunContinuationsAsynchronously);
            var nodes = new DeviceKeeper.Nodes(_options.Devices, Slowed, _setup.DeviceData, server, _setup.Settings.Allocation.Smoothing, _faults, e => failed.TrySetException(e));
            var keeper = system.ActorOf(Props.Create(() => new DeviceKeeper(nodes)), "devices");
            extension.Crash = device => keeper.Tell(new DeviceKeeper.CrashDevice(device));
            var first = await Task.WhenAny(run.Result, failed.Task).WaitAsync(_options.Limit).ConfigureAwait(false);
            return await first.ConfigureAwait(false);
        }
        finally
        {
            await system.Terminate().ConfigureAwait(false);
        }
    }

    private void Before(StageCall call)
    {
        lock (_calls)
        {
            _calls.Add(call);
        }

        if (call.Operation == "F")
        {
            _faults.Compute(FaultPoint.Server, null);
        }
    }

    private InterceptedModel Slowed(DeviceId device) => new(_options.Model, _ => { })
    {
        Embedding = (_, _) => _faults.Compute(FaultPoint.Device, device),
    };

    /// <summary>Stands for the end of the server's process.</summary>
    private sealed class ServerCrashException : Exception;
}
