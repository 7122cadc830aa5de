using Akka.Configuration;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Composing;

/// <summary>A run whose model, data and settings are opened and checked, ready to start.</summary>
internal interface ITrainingRun
{
    /// <summary>How the shared training rows are spread over the devices.</summary>
    PartitionRecord Partition { get; }

    /// <summary>What the run is made from.</summary>
    RunIdentity Identity { get; }

    /// <summary>Runs to the end, or in order to a checkpoint when a stop is requested.</summary>
    /// <exception cref="RunFailedException">The run could not start or go on.</exception>
    /// <exception cref="Domain.UserErrorException">Something that the user can mend, such as a port in use.</exception>
    Task<RunSummary> RunAsync(RunHost host);
}

/// <summary>What a run is given when it starts.</summary>
/// <param name="Paths">Where it writes.</param>
/// <param name="Observer">Told what happens.</param>
/// <param name="Akka">The configuration's section akka.</param>
/// <param name="Stop">Cancelled when the run is to end in order.</param>
internal sealed record RunHost(RunPaths Paths, IRunObserver Observer, Config Akka, CancellationToken Stop)
{
    /// <summary>Whether the run goes on from the last checkpoint in its folder.</summary>
    public bool Resumes { get; init; }

    /// <summary>The right to write to the run's folder, where another server may take over; else null.</summary>
    public RunLease? Lease { get; init; }

    /// <summary>The node that stood by and takes over, or null: one is started.</summary>
    public ServerNode? Node { get; init; }

    /// <summary>Gets every operation, or null.</summary>
    public RunTrace? Trace { get; init; }
}
