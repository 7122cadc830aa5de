using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Runs;

/// <summary>What happens in a run, for those who watch it: consoles, metric files, tests.</summary>
public abstract record RunEvent
{
    private RunEvent()
    {
    }

    /// <summary>A node became a member of the cluster.</summary>
    public sealed record NodeJoined(string Node, string Role, string Address) : RunEvent;

    /// <summary>A node left or was lost.</summary>
    public sealed record NodeLeft(string Node, string Role) : RunEvent;

    /// <summary>A device takes part.</summary>
    public sealed record DeviceJoined(DeviceId Device, string Node, int Samples, Capacity Capacity) : RunEvent;

    /// <summary>A device was refused, failed or was lost.</summary>
    public sealed record DeviceProblem(DeviceId Device, string Problem) : RunEvent;

    /// <summary>A trainer stage failed and was started again.</summary>
    public sealed record StageProblem(int Stage, string Problem) : RunEvent;

    /// <summary>A server node can hold stages.</summary>
    /// <param name="Node">Its name.</param>
    /// <param name="FlopsPerSecond">What it measured: floating-point operations a second in training a block.</param>
    public sealed record ServerJoined(string Node, double FlopsPerSecond) : RunEvent;

    /// <summary>A server node was refused or lost, or a link of it broke.</summary>
    public sealed record ServerProblem(string Node, string Problem) : RunEvent;

    /// <summary>A trainer stage was placed on a server node; told where there are several.</summary>
    /// <param name="Stage">The stage, from 0.</param>
    /// <param name="From">First of its blocks.</param>
    /// <param name="To">Block after its last.</param>
    /// <param name="Node">The node's name.</param>
    public sealed record StagePlaced(int Stage, int From, int To, string Node) : RunEvent;

    /// <summary>Something that came over the activation channel was refused; told at the 1st, 2nd, 4th, 8th … of its kind.</summary>
    /// <param name="Device">Whose connection it was, or null before the peer had said so.</param>
    /// <param name="Fault">Kind of fault.</param>
    /// <param name="Count">How many of its kind so far.</param>
    /// <param name="Message">In words.</param>
    public sealed record ChannelRefused(DeviceId? Device, string Fault, long Count, string Message) : RunEvent;

    /// <summary>A device got a number of frozen layers.</summary>
    public sealed record LayersAssigned(DeviceId Device, AllocationEpoch Allocation, int Layers, string Reason) : RunEvent;

    /// <summary>What a device's node measured of itself; recorded at the interval of allocation rounds.</summary>
    public sealed record CapacityMeasured(DeviceId Device, string Node, int Samples, Capacity Capacity) : RunEvent;

    /// <summary>A device left in order, before the run is over.</summary>
    public sealed record DeviceLeft(DeviceId Device, string Node) : RunEvent;

    /// <summary>Training waits for one device; told once a grant.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Node">Its node.</param>
    /// <param name="WaitedSeconds">How long the trainer has had nothing to do.</param>
    /// <param name="PredictedSeconds">How long the device should take for its samples of the grant, by its capacity.</param>
    /// <param name="AchievedSeconds">How long it has taken so far.</param>
    public sealed record TrainingWaits(DeviceId Device, string Node, double WaitedSeconds, double PredictedSeconds, double AchievedSeconds) : RunEvent;

    /// <summary>The run waits for something; said once per reason.</summary>
    public sealed record Waiting(string For) : RunEvent;

    /// <summary>Training starts.</summary>
    public sealed record TrainingStarted(int Epochs, int StepsPerEpoch, long SamplesPerEpoch, long TrainableParameters) : RunEvent;

    /// <summary>An optimiser step was made.</summary>
    /// <param name="Epoch">Training epoch, from 0.</param>
    /// <param name="Step">Step of the run, from 0.</param>
    /// <param name="Score">Loss and hits over the global batch, before the step.</param>
    /// <param name="GradientNorm">Norm before clipping.</param>
    /// <param name="LearningRate">Rate of the step.</param>
    /// <param name="SamplesTrained">Samples trained so far in the run.</param>
    /// <param name="InFlightSamples">Samples granted and not yet trained.</param>
    public sealed record StepDone(int Epoch, int Step, TargetScore Score, double GradientNorm, double LearningRate, long SamplesTrained, int InFlightSamples) : RunEvent
    {
        /// <summary>Total variation distance of the batch's label mix to that of all training rows, or null where the server has no labels.</summary>
        public double? LabelDistance { get; init; }

        /// <summary>Samples that were put off so far, to a later batch of their epoch than the plan has them in.</summary>
        public long PutOff { get; init; }
    }

    /// <summary>The label mix of global batches lies farther from the overall one than chance explains; told once an epoch.</summary>
    /// <param name="Epoch">Training epoch, from 0.</param>
    /// <param name="Step">Step of the run, from 0.</param>
    /// <param name="Excess">Distance beyond that of random batches, averaged over the last batches.</param>
    public sealed record LabelMixAlarm(int Epoch, int Step, double Excess) : RunEvent;

    /// <summary>All samples of an epoch were trained.</summary>
    /// <param name="Epoch">Training epoch, from 0.</param>
    /// <param name="Seconds">Time from the epoch's first operation to its last step.</param>
    /// <param name="ReceivedSamples">Samples that devices sent for it.</param>
    /// <param name="ReceivedBytes">Their activations on the wire in bytes.</param>
    /// <param name="SuppliedSamples">Samples that came from the activation store.</param>
    public sealed record EpochTrained(int Epoch, double Seconds, long ReceivedSamples, long ReceivedBytes, long SuppliedSamples) : RunEvent;

    /// <summary>What the activation store holds, told at the end of an epoch.</summary>
    /// <param name="Samples">Stored samples of the devices of the run.</param>
    /// <param name="Of">Samples that those devices have.</param>
    /// <param name="MemoryBytes">Bytes in memory.</param>
    /// <param name="DiskBytes">Bytes on disk.</param>
    /// <param name="Damaged">Records found damaged so far.</param>
    public sealed record StoreState(long Samples, long Of, long MemoryBytes, long DiskBytes, long Damaged) : RunEvent;

    /// <summary>A held-out set was scored.</summary>
    /// <param name="Name">before, validation or after.</param>
    /// <param name="Epoch">Epochs finished.</param>
    /// <param name="Score">Loss and accuracy.</param>
    public sealed record Evaluated(string Name, int Epoch, TargetScore Score) : RunEvent;

    /// <summary>The run stops before its last epoch, as validations do not get better.</summary>
    public sealed record StoppedEarly(int Epoch, string Reason) : RunEvent;

    /// <summary>A checkpoint was written.</summary>
    public sealed record CheckpointWritten(string Folder, int Step) : RunEvent;

    /// <summary>A checkpoint could not be written; training goes on, and the last one before it is kept.</summary>
    public sealed record CheckpointFailed(string Folder, int Step, string Reason) : RunEvent;

    /// <summary>A checkpoint is damaged or does not fit, and is not used.</summary>
    /// <param name="Problem">Which, and what is wrong with it.</param>
    public sealed record CheckpointRefused(string Problem) : RunEvent;

    /// <summary>The run goes on from a checkpoint.</summary>
    /// <param name="Step">Steps made until then.</param>
    /// <param name="Epoch">Epoch of the next global batch.</param>
    /// <param name="Batch">Its place in the epoch.</param>
    public sealed record Resumed(int Step, int Epoch, int Batch) : RunEvent;

    /// <summary>The run ended, complete or stopped in order.</summary>
    public sealed record Ended(RunSummary Summary) : RunEvent;

    /// <summary>The run could not go on.</summary>
    /// <param name="Reason">What is wrong and what to do.</param>
    public sealed record Failed(string Reason) : RunEvent;
}

/// <summary>Receives the events of a run, in order, on the thread of whoever reports them; must return quickly and not throw.</summary>
public interface IRunObserver
{
    /// <summary>Takes note of an event.</summary>
    void On(RunEvent e);
}
