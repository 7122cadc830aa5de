using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Composing;

/// <summary>CenLoRA in this process, on the samples of all devices.</summary>
internal sealed class CenLoraTraining(RunInputs inputs) : ITrainingRun
{
    /// <inheritdoc/>
    public PartitionRecord Partition => PartitionRecord.Of(inputs);

    /// <inheritdoc/>
    public RunIdentity Identity => RunIdentity.Of(inputs.Model.Fingerprint, inputs.HeldOutSets(), Partition);

    /// <inheritdoc/>
    public Task<RunSummary> RunAsync(RunHost host) => Task.Factory.StartNew(() => Run(host), TaskCreationOptions.LongRunning);

    private RunSummary Run(RunHost host)
    {
        var devices = inputs.Partition.Devices
            .Select((rows, part) => (Id: SharedDevices.Id(part), Samples: inputs.Data.Encode(DataSplit.Train, rows)))
            .ToDictionary(d => d.Id, d => d.Samples);
        using var run = new CenLoraRun(
            inputs.Settings, inputs.Model, inputs.Trainer, inputs.Data.Task, devices, inputs.HeldOutSets(), host.Paths, host.Observer, host.Trace)
        {
            // Without frozen blocks there is nothing that a device would send.
            Codec = inputs.Trainer.Cut > 0 ? inputs.Settings.Channel.Codec : ActivationCodec.Fp32,
        };
        return run.Run(host.Stop);
    }
}
