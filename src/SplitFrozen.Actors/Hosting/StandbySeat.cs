using SplitFrozen.Actors.Coordination;

namespace SplitFrozen.Actors.Hosting;

/// <summary>What a standby node waits for before it is the server: that it is the oldest server node of the cluster, and that it has the run's lease.</summary>
internal sealed class StandbySeat
{
    private readonly TaskCompletionSource _oldest = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _lease = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ServerRun> _run = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when this process has the lease; is cancelled when its holder has ended in order; fails where the lease cannot be read.</summary>
    public Task Lease => _lease.Task;

    /// <summary>Completes when this node is the server.</summary>
    public Task Turn => Task.WhenAll(_oldest.Task, _lease.Task);

    /// <summary>Completes with the run, once its folder is opened.</summary>
    public Task<ServerRun> Run => _run.Task;

    public void IsOldest() => _oldest.TrySetResult();

    public void HasLease() => _lease.TrySetResult();

    public void RunIsOver() => _lease.TrySetCanceled();

    public void Fail(Exception error) => _lease.TrySetException(error);

    public void Begin(ServerRun run) => _run.TrySetResult(run);
}
