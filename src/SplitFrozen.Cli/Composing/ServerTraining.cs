using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Composing;

/// <summary>The server's part of a run; devices come from other processes.</summary>
internal sealed class ServerTraining(RunInputs inputs) : ITrainingRun
{
    /// <inheritdoc/>
    public PartitionRecord Partition => PartitionRecord.Of(inputs);

    /// <inheritdoc/>
    public RunIdentity Identity => RunIdentity.Of(inputs.Model.Fingerprint, inputs.HeldOutSets(), Partition);

    /// <inheritdoc/>
    public async Task<RunSummary> RunAsync(RunHost host)
    {
        var run = Run(inputs, host);
        var node = host.Node ?? ServerNode.Start(run, host.Akka);
        await using (node.ConfigureAwait(false))
        {
            using var health = HealthEndpoint.Start(inputs.Settings.Health, node.Live, node.Ready);
            return await node.ResultAsync(run).ConfigureAwait(false);
        }
    }

    /// <summary>What the server's actors need.</summary>
    public static ServerRun Run(RunInputs inputs, RunHost host) => new(
        inputs.Settings, inputs.Model, inputs.Data, inputs.HeldOutSets(), inputs.Spec(Path.GetFileName(host.Paths.Folder)), inputs.Trainer,
        host.Paths, host.Observer, host.Stop)
    {
        Resumes = host.Resumes,
        Lease = host.Lease,
        DeviceLabels = inputs.DeviceLabels,
        Replay = inputs.Replay,
        Trace = host.Trace,
    };
}
