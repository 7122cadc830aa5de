using System.Diagnostics;

using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;
using Akka.Remote.Transport;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>A node of a formed cluster over all its lives: one that crashes is started again after a time, as an operator or a service manager would.</summary>
internal abstract class NodeLife(Action<Exception> failed)
{
    private readonly CancellationTokenSource _over = new();
    private readonly Lock _gate = new();
    private CancellationTokenSource _crash = new();
    private ActorSystem? _system;
    private TimeSpan _away;
    private Task _living = Task.CompletedTask;

    /// <summary>Begins the first life.</summary>
    public void Start() => _living = LiveAsync();

    /// <summary>The node ends without a word.</summary>
    public void Crash(TimeSpan away)
    {
        lock (_gate)
        {
            _away = away;
            _crash.Cancel();
            _ = _system?.Terminate();
        }
    }

    /// <summary>The cluster is not needed any more.</summary>
    public Task EndAsync()
    {
        lock (_gate)
        {
            _over.Cancel();
            _crash.Cancel();
        }

        return _living;
    }

    /// <summary>Lives until the run is over, or until it is to stop.</summary>
    protected abstract Task LiveOnceAsync(CancellationToken stop);

    /// <summary>A life has an actor system.</summary>
    protected virtual void Began(ActorSystem system)
    {
        lock (_gate)
        {
            _system = system;
        }
    }

    /// <summary>Something that must not happen has.</summary>
    protected void Fail(Exception error) => failed(error);

    private async Task LiveAsync()
    {
        try
        {
            while (!_over.IsCancellationRequested)
            {
                await LiveOnceAsync(_crash.Token).ConfigureAwait(false);
                if (!_crash.IsCancellationRequested)
                {
                    return;
                }

                await Task.WhenAny(Task.Delay(_away, _over.Token)).ConfigureAwait(false);
                lock (_gate)
                {
                    (_crash, _system) = (new CancellationTokenSource(), null);
                }
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }
}

/// <summary>A further server node.</summary>
internal sealed class StageLife(StageNodeOptions options, Config akka, Action<Exception> failed) : NodeLife(failed)
{
    protected override async Task LiveOnceAsync(CancellationToken stop)
    {
        // A copy has an end of its own.
        var node = StageNode.Start(options.Again(), akka);
        Began(node.System);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registered = stop.Register(() => stopped.TrySetResult());
        try
        {
            await (await Task.WhenAny(node.Ended, stopped.Task).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (RunFailedException e) when (e.Failure == RunFailure.Broken)
        {
            // It ends with its main server, and is to be started again.
            Crash(TimeSpan.FromMilliseconds(500));
        }
        finally
        {
            await node.EndAsync().ConfigureAwait(false);
        }
    }
}

/// <summary>A device's node: joins again when it was downed or lost its server, and can be cut off from all others.</summary>
internal sealed class DeviceLife(DeviceId device, DeviceNodeOptions options, Config akka, FaultInjector faults, Action<Exception> failed) : NodeLife(failed)
{
    private static readonly TimeSpan RejoinLimit = TimeSpan.FromMinutes(1);

    private readonly Lock _cuts = new();
    private ActorSystem? _system;
    private (long Until, FaultPoint[] Ways) _cut;

    public DeviceId Device => device;

    /// <summary>A crash, or a partition in these directions.</summary>
    public void Strike(FaultRule rule, params FaultPoint[] ways)
    {
        if (rule.Kind == FaultKind.Crash)
        {
            Crash(rule.For);
            return;
        }

        faults.Cut(device, rule.For, ways);
        lock (_cuts)
        {
            _cut = (Stopwatch.GetTimestamp() + (long)(rule.For.TotalSeconds * Stopwatch.Frequency), ways);
            CutOff();
        }
    }

    protected override Task LiveOnceAsync(CancellationToken stop) => DeviceNodeLife.RunAsync(
        options.Again(null), akka, RejoinLimit,
        async node =>
        {
            Began(node.System);
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var registered = stop.Register(() => stopped.TrySetException(new RunFailedException(RunFailure.ServerLost, "the node was killed")));
            await (await Task.WhenAny(node.Ended, stopped.Task).ConfigureAwait(false)).ConfigureAwait(false);

            // The cluster ends as a whole: there is nobody to hand over to.
            await node.EndAsync().ConfigureAwait(false);
        },
        stop);

    /// <summary>A partition outlives an actor system that downed itself over it.</summary>
    protected override void Began(ActorSystem system)
    {
        base.Began(system);
        lock (_cuts)
        {
            _system = system;
            CutOff();
        }
    }

    private void CutOff()
    {
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _cut.Until);
        if (_system is { } system && _cut.Ways is not null && left > TimeSpan.Zero)
        {
            _ = CutOffAsync(system, _cut.Ways, left);
        }
    }

    private async Task CutOffAsync(ActorSystem system, FaultPoint[] ways, TimeSpan time)
    {
        try
        {
            var direction = ways.Length > 1 ? ThrottleTransportAdapter.Direction.Both
                : ways[0] == FaultPoint.ToServer ? ThrottleTransportAdapter.Direction.Send : ThrottleTransportAdapter.Direction.Receive;
            var others = Others(system);
            await SetAsync(system, others, direction, Blackhole.Instance).ConfigureAwait(false);
            await Task.Delay(time).ConfigureAwait(false);
            await SetAsync(system, others, ThrottleTransportAdapter.Direction.Both, Unthrottled.Instance).ConfigureAwait(false);
        }
        catch (Exception) when (system.WhenTerminated.IsCompleted || CoordinatedShutdown.Get(system).ShutdownReason is not null)
        {
            // What has ended needs no link any more.
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    /// <summary>The seed's address, and those of all members that the node knows.</summary>
    private List<Address> Others(ActorSystem system)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        return
        [
            .. options.Cluster.SeedNodes.Select(s => SeedNode.Parse(s, system.Name)).Concat(cluster.State.Members.Select(m => m.Address))
                .Where(a => a.Port != cluster.SelfAddress.Port).DistinctBy(a => a.Port),
        ];
    }

    private static async Task SetAsync(ActorSystem system, List<Address> others, ThrottleTransportAdapter.Direction direction, ThrottleMode mode)
    {
        var transport = ((IRemoteActorRefProvider)((ExtendedActorSystem)system).Provider).Transport;
        foreach (var address in others)
        {
            try
            {
                await transport.ManagementCommand(new SetThrottle(address, direction, mode)).ConfigureAwait(false);
            }
            catch (Exception e) when (e.GetBaseException() is AskTimeoutException)
            {
                // Those that live have taken it; an association that ended meanwhile does not answer.
            }
        }
    }
}
