using Akka.Actor;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;

namespace SplitFrozen.Actors.Baselines;

/// <summary>The server's actor, as a method's run asks it from its own thread.</summary>
/// <param name="Actor">The actor.</param>
/// <param name="Over">Completes when the actor has ended: it answers no more.</param>
internal sealed record RemoteServer(IActorRef Actor, Task Over)
{
    /// <summary>Sends an order and waits for what comes of it.</summary>
    /// <exception cref="RunFailedException">The actor ended before the answer came.</exception>
    public T Ask<T>(Func<TaskCompletionSource<T>, object> order)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Actor.Tell(order(done));
        Task.WhenAny(done.Task, Over).GetAwaiter().GetResult();
        return done.Task.IsCompleted ? done.Task.GetAwaiter().GetResult() : throw new RunFailedException(RunFailure.Broken, "The server's actors have ended.");
    }
}

/// <summary>Devices on other nodes, as a method's run sees them on its own thread: asks the server's actor, and blocks until that has the answer.</summary>
internal abstract class RemoteDevices : IMethodDevices
{
    /// <summary>Waits until the devices are there.</summary>
    /// <param name="server">The server's actor.</param>
    /// <param name="devices">Completes with the devices when there are enough.</param>
    /// <param name="stage">What each of them trains, as it is drawn.</param>
    protected RemoteDevices(RemoteServer server, Task<IReadOnlyList<LocalPlan>> devices, ITrainerStage stage)
    {
        Server = server;
        Devices = devices.GetAwaiter().GetResult();
        server.Actor.Tell(new BaselineServerActor.Drawn(new Training.StageState(stage.AdapterTensors(), stage.OptimizerTensors())));
    }

    /// <inheritdoc/>
    public IReadOnlyList<LocalPlan> Devices { get; }

    /// <summary>The server's actor.</summary>
    protected RemoteServer Server { get; }

    /// <inheritdoc/>
    public FleetReport Finish() => Server.Ask<FleetReport>(done => new BaselineServerActor.FinishDevices(done));
}

/// <summary>Federated devices on other nodes.</summary>
internal sealed class RemoteFedDevices(RemoteServer server, Task<IReadOnlyList<LocalPlan>> devices, ITrainerStage stage) : RemoteDevices(server, devices, stage), IFedDevices
{
    /// <inheritdoc/>
    public IReadOnlyList<FedResult>? Train(FedRound round, Action<FedTask, int, LocalStep> stepped, CancellationToken stop)
    {
        using var cancelled = stop.Register(() => Server.Actor.Tell(FedFleet.Cancel.Instance));
        if (stop.IsCancellationRequested || Server.Ask<IReadOnlyList<FedAnswer>?>(done => new FedFleet.Train(round, done)) is not { } answers)
        {
            return null;
        }

        foreach (var answer in answers)
        {
            foreach (var (local, step) in answer.Steps.Index())
            {
                stepped(answer.Task, local, step);
            }
        }

        return [.. answers.Select(a => new FedResult(a.Task.Device, a.Adapter))];
    }

    /// <inheritdoc/>
    public void KeepResidual(IReadOnlyList<WeightedAdapter> adapters) => Server.Actor.Tell(new FedFleet.KeepResidual(adapters));
}

/// <summary>Devices of split training on other nodes.</summary>
internal sealed class RemoteSplitDevices(RemoteServer server, Task<IReadOnlyList<LocalPlan>> devices, ITrainerStage stage) : RemoteDevices(server, devices, stage), ISplitDevices
{
    private Training.StageRows? _rows;

    /// <inheritdoc/>
    public void Begin(IReadOnlyList<SplitTask> tasks) => Server.Actor.Tell(new SplitFleet.Begin(tasks));

    /// <inheritdoc/>
    public ActivationBatch Forward(SplitTask task, int place)
    {
        _rows = Server.Ask<Training.StageRows>(done => new SplitFleet.Take(task, new Protocol.MicroBatchId(task.Step, place), done));
        return _rows.Batch;
    }

    /// <inheritdoc/>
    public void Backward(SplitTask task, int place, float[] gradient)
    {
        Server.Actor.Tell(new SplitFleet.Reply(task, _rows!.Id, new SplitFleet.SentGradient(gradient, _rows.Batch.Lengths)));
        _rows.Return();
    }

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<TensorData>> Adapters() =>
        Server.Ask<IReadOnlyList<IReadOnlyList<TensorData>>>(done => new SplitFleet.Collect(Devices, done));

    /// <inheritdoc/>
    public void SetAdapters(IReadOnlyList<TensorData> average) => Server.Actor.Tell(new SplitFleet.SetAdapters(Devices, average));
}
