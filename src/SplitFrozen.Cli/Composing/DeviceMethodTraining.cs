using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;

namespace SplitFrozen.Cli.Composing;

/// <summary>FedLoRA or SplitLoRA in this process, device after device: for experiments, whose times are computed.</summary>
internal sealed class DeviceMethodTraining(RunInputs inputs) : ITrainingRun
{
    /// <inheritdoc/>
    public PartitionRecord Partition => PartitionRecord.Of(inputs);

    /// <inheritdoc/>
    public RunIdentity Identity => RunIdentity.Of(inputs.Model.Fingerprint, inputs.HeldOutSets(), Partition);

    /// <inheritdoc/>
    public Task<RunSummary> RunAsync(RunHost host) => Task.Factory.StartNew(() => Run(host), TaskCreationOptions.LongRunning);

    /// <summary>The samples of each device.</summary>
    public static MethodInputs Inputs(RunInputs inputs, RunPaths paths, IRunObserver observer, RunTrace? trace) => new(
        inputs.Settings, inputs.Model, inputs.Trainer, inputs.Data.Task,
        inputs.Partition.Devices.Select((rows, part) => (Id: SharedDevices.Id(part), Samples: inputs.Data.Encode(DataSplit.Train, rows))).ToDictionary(d => d.Id, d => d.Samples),
        inputs.HeldOutSets(), paths, observer, trace);

    private RunSummary Run(RunHost host)
    {
        var method = Inputs(inputs, host.Paths, host.Observer, host.Trace);
        if (inputs.Settings.Training.Method == TrainingMethods.FedLora)
        {
            using var federated = new FedLoraRun(method);
            return federated.Run(host.Stop);
        }

        using var split = new SplitLoraRun(method);
        return split.Run(host.Stop);
    }
}
