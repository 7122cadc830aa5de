using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Composing;

/// <summary>SplitFrozen in a cluster of this machine: a server node and the device nodes of splitfrozen.nodes.</summary>
internal sealed class LocalTraining(RunInputs inputs) : ITrainingRun
{
    /// <inheritdoc/>
    public PartitionRecord Partition => PartitionRecord.Of(inputs);

    /// <inheritdoc/>
    public RunIdentity Identity => RunIdentity.Of(inputs.Model.Fingerprint, inputs.HeldOutSets(), Partition);

    /// <inheritdoc/>
    public Task<RunSummary> RunAsync(RunHost host) =>
        LocalCluster.RunAsync(ServerTraining.Run(inputs, host), new DeviceData(inputs.Source, OwnFolder: false, Part: null) { PartitionFile = inputs.Settings.Data.PartitionFile }, host.Akka, inputs.DeviceModel);
}
