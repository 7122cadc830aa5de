using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods.Accounting;

namespace SplitFrozen.Cli.Composing;

/// <summary>A method with devices in a cluster of this machine: a server node and the device nodes of splitfrozen.nodes.</summary>
internal sealed class LocalTraining(RunInputs inputs) : ITrainingRun
{
    /// <inheritdoc/>
    public PartitionRecord Partition => PartitionRecord.Of(inputs);

    /// <inheritdoc/>
    public RunIdentity Identity => RunIdentity.Of(inputs.Model.Fingerprint, inputs.HeldOutSets(), Partition);

    /// <inheritdoc/>
    public async Task<RunSummary> RunAsync(RunHost host)
    {
        var summary = await LocalCluster.RunAsync(ServerTraining.Run(inputs, host), new DeviceData(inputs.Source, OwnFolder: false, Part: null) { PartitionFile = inputs.Settings.Data.PartitionFile }, host.Akka, inputs.DeviceModel).ConfigureAwait(false);
        return TrainingMethods.HasTrainingDevices(inputs.Settings.Training.Method) ? WithCosts(summary, host) : summary;
    }

    /// <summary>Adds what devices should have sent and received, where the cost model knows the adapters.</summary>
    private RunSummary WithCosts(RunSummary summary, RunHost host)
    {
        var data = DeviceMethodTraining.Inputs(inputs, host.Paths, host.Observer, trace: null).LocalData;
        try
        {
            var costs = new MethodCosts(inputs.Settings, inputs.Model.Shape, inputs.Trainer, data, EmulatedFleet.Paper).Of(inputs.Settings.Training.Method)
                .Devices.ToDictionary(d => d.Id.Value);
            return summary with
            {
                Devices =
                [
                    .. summary.Devices.Select(d => costs.TryGetValue(d.Id, out var cost)
                        ? d with { CostModelBytesSent = cost.BytesUp, CostModelBytesReceived = cost.BytesDown } : d),
                ],
            };
        }
        catch (NotSupportedException)
        {
            // Memory of devices, which the cost model computes too, is known for adapters on queries, keys and values only.
            return summary;
        }
    }
}
