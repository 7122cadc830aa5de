using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Methods;

/// <summary>Devices that train: in this process, or on other nodes. Belongs to the run's thread, and keeps it waiting until they are done.</summary>
public interface IMethodDevices
{
    /// <summary>Those with samples, in the order of their ids.</summary>
    IReadOnlyList<LocalPlan> Devices { get; }

    /// <summary>The run has no more work for them.</summary>
    /// <returns>What they did.</returns>
    FleetReport Finish();
}

/// <summary>What the devices of a run did.</summary>
/// <param name="Devices">Their figures; none where they are part of the run's own process.</param>
/// <param name="ChannelRefusals">What of theirs was refused, by kind of fault.</param>
public sealed record FleetReport(IReadOnlyList<DeviceSummary> Devices, IReadOnlyDictionary<string, long> ChannelRefusals)
{
    /// <summary>That of devices in this process.</summary>
    public static FleetReport None { get; } = new([], new Dictionary<string, long>());
}

/// <summary>Devices of federated training.</summary>
public interface IFedDevices : IMethodDevices
{
    /// <summary>Lets devices train a round.</summary>
    /// <param name="round">Who, and from what.</param>
    /// <param name="stepped">Told of each step: of one task in their order, of all tasks in the order of the round.</param>
    /// <param name="stop">Ends the round.</param>
    /// <returns>What came back, in the order of the tasks; null when it was stopped.</returns>
    IReadOnlyList<FedResult>? Train(FedRound round, Action<FedTask, int, LocalStep> stepped, CancellationToken stop);

    /// <summary>From the next round on, devices' frozen weights have taken up the products of these adapters (<see cref="ITrainerStage.AddToFrozen"/>).</summary>
    void KeepResidual(IReadOnlyList<WeightedAdapter> adapters);
}

/// <summary>A round of federated training.</summary>
/// <param name="Number">Which, from 0.</param>
/// <param name="Average">Adapters and head that devices begin with.</param>
/// <param name="Drawn">The devices that are sent them.</param>
/// <param name="Tasks">What those do of which something comes back.</param>
public sealed record FedRound(int Number, IReadOnlyList<TensorData> Average, IReadOnlyList<LocalPlan> Drawn, IReadOnlyList<FedTask> Tasks);

/// <summary>A device's part of a round.</summary>
/// <param name="Device">The device.</param>
/// <param name="Round">The round, from 0.</param>
/// <param name="FirstBatch">Its first batch, counted over all passes of the device.</param>
/// <param name="FirstStep">Number of its first step, over all rounds; dropout masks are drawn by it.</param>
/// <param name="Rates">Learning rates of its steps.</param>
public sealed record FedTask(LocalPlan Device, int Round, int FirstBatch, int FirstStep, double[] Rates);

/// <summary>What a device sends at the end of a round.</summary>
/// <param name="Device">The device.</param>
/// <param name="Adapter">Its adapters and head.</param>
public sealed record FedResult(LocalPlan Device, IReadOnlyList<TensorData> Adapter);

/// <summary>A step of a device.</summary>
/// <param name="Score">Loss and hits over its batch, before the step.</param>
/// <param name="Norm">Norm of the gradient; where that is not finite no step was made.</param>
public readonly record struct LocalStep(TargetScore Score, double Norm);

/// <summary>Devices of split training.</summary>
public interface ISplitDevices : IMethodDevices
{
    /// <summary>Devices may begin with these batches, side by side. Each goes through <see cref="Forward"/> and <see cref="Backward"/> of its micro-batches in order, device after device.</summary>
    void Begin(IReadOnlyList<SplitTask> tasks);

    /// <summary>The device's part of F.</summary>
    /// <param name="task">The batch.</param>
    /// <param name="place">The micro-batch in it.</param>
    /// <returns>Rows at the cut with their targets; good until <see cref="Backward"/>.</returns>
    ActivationBatch Forward(SplitTask task, int place);

    /// <summary>The device's part of B, and W; after the last micro-batch its step.</summary>
    /// <param name="task">The batch.</param>
    /// <param name="place">The micro-batch in it.</param>
    /// <param name="gradient">Gradient of the rows.</param>
    void Backward(SplitTask task, int place, float[] gradient);

    /// <summary>Each device's adapters, in the order of the devices.</summary>
    IReadOnlyList<IReadOnlyList<TensorData>> Adapters();

    /// <summary>All devices go on with these adapters, and with the optimisers they have.</summary>
    void SetAdapters(IReadOnlyList<TensorData> average);
}

/// <summary>A device's batch in split training.</summary>
/// <param name="Device">The device.</param>
/// <param name="Batch">Which batch, counted over all passes of the device.</param>
/// <param name="Step">The server's step, for dropout masks.</param>
/// <param name="Rate">Learning rate.</param>
public sealed record SplitTask(LocalPlan Device, int Batch, int Step, double Rate);
