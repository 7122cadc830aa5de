using Akka.Actor;

using SplitFrozen.Domain.Models;
using SplitFrozen.Methods;

namespace SplitFrozen.Actors.Baselines;

/// <summary>Devices on other nodes, as a method's run sees them on its own thread: asks the server's actor, and blocks until that has the answer.</summary>
internal abstract class RemoteDevices : IMethodDevices
{
    /// <summary>Waits until the devices are there.</summary>
    /// <param name="server">The server's actor.</param>
    /// <param name="devices">Completes with the devices when there are enough.</param>
    /// <param name="stage">What each of them trains, as it is drawn.</param>
    protected RemoteDevices(IActorRef server, Task<IReadOnlyList<LocalPlan>> devices, ITrainerStage stage)
    {
        Server = server;
        Devices = devices.GetAwaiter().GetResult();
        server.Tell(new BaselineServerActor.Drawn(new Training.StageState(stage.AdapterTensors(), stage.OptimizerTensors())));
    }

    /// <inheritdoc/>
    public IReadOnlyList<LocalPlan> Devices { get; }

    /// <summary>The server's actor.</summary>
    protected IActorRef Server { get; }

    /// <inheritdoc/>
    public FleetReport Finish() => Ask<FleetReport>(done => new BaselineServerActor.FinishDevices(done));

    /// <summary>Sends an order and waits for what comes of it.</summary>
    protected T Ask<T>(Func<TaskCompletionSource<T>, object> order)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Tell(order(done));
        return done.Task.GetAwaiter().GetResult();
    }
}

/// <summary>Federated devices on other nodes.</summary>
internal sealed class RemoteFedDevices(IActorRef server, Task<IReadOnlyList<LocalPlan>> devices, ITrainerStage stage) : RemoteDevices(server, devices, stage), IFedDevices
{
    /// <inheritdoc/>
    public IReadOnlyList<FedResult>? Train(FedRound round, Action<FedTask, int, LocalStep> stepped, CancellationToken stop)
    {
        using var cancelled = stop.Register(() => Server.Tell(FedFleet.Cancel.Instance));
        if (stop.IsCancellationRequested || Ask<IReadOnlyList<FedAnswer>?>(done => new FedFleet.Train(round, done)) is not { } answers)
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
    public void KeepResidual(IReadOnlyList<WeightedAdapter> adapters) => Server.Tell(new FedFleet.KeepResidual(adapters));
}

/// <summary>Devices of split training on other nodes.</summary>
internal sealed class RemoteSplitDevices(IActorRef server, Task<IReadOnlyList<LocalPlan>> devices, ITrainerStage stage) : RemoteDevices(server, devices, stage), ISplitDevices
{
    private Training.StageRows? _rows;

    /// <inheritdoc/>
    public void Begin(IReadOnlyList<SplitTask> tasks) => Server.Tell(new SplitFleet.Begin(tasks));

    /// <inheritdoc/>
    public ActivationBatch Forward(SplitTask task, int place)
    {
        _rows = Ask<Training.StageRows>(done => new SplitFleet.Take(task, new Protocol.MicroBatchId(task.Step, place), done));
        return _rows.Batch;
    }

    /// <inheritdoc/>
    public void Backward(SplitTask task, int place, float[] gradient)
    {
        Server.Tell(new SplitFleet.Reply(task, _rows!.Id, new SplitFleet.SentGradient(gradient, _rows.Batch.Lengths)));
        _rows.Return();
    }

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<TensorData>> Adapters() =>
        Ask<IReadOnlyList<IReadOnlyList<TensorData>>>(done => new SplitFleet.Collect(Devices, done));

    /// <inheritdoc/>
    public void SetAdapters(IReadOnlyList<TensorData> average) => Server.Tell(new SplitFleet.SetAdapters(Devices, average));
}
