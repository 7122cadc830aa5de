using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Everything the server's actors need for one run.</summary>
/// <param name="Settings">The configuration.</param>
/// <param name="Model">The model folder.</param>
/// <param name="Data">The server's data folder: its held-out sets, and the labels.</param>
/// <param name="Sets">The held-out sets.</param>
/// <param name="Spec">What all nodes agree on.</param>
/// <param name="Trainer">What is trained.</param>
/// <param name="Paths">Where to write.</param>
/// <param name="Observer">Told what happens.</param>
/// <param name="StopRequested">Cancelled when the run is to end in order, with a checkpoint.</param>
public sealed record ServerRun(
    Settings Settings, IModelSource Model, IDataSet Data, HeldOutSets Sets, RunSpec Spec, TrainerSpec Trainer, RunPaths Paths, IRunObserver Observer,
    CancellationToken StopRequested)
{
    private readonly TaskCompletionSource<RunSummary> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether the run goes on from the last checkpoint in its folder.</summary>
    public bool Resumes { get; init; }

    /// <summary>The right to write to the run's folder, which another server may take over; null: nobody takes it away.</summary>
    public RunLease? Lease { get; init; }

    /// <summary>The labels of the rows of devices that have a part of the shared data, as far as the server knows how they are spread.</summary>
    public IReadOnlyDictionary<DeviceId, IReadOnlyList<int>> DeviceLabels { get; init; } = new Dictionary<DeviceId, IReadOnlyList<int>>();

    /// <summary>The order of a run that this one repeats, or null.</summary>
    public RecordedOrder? Replay { get; init; }

    /// <summary>Gets every operation, or null.</summary>
    public RunTrace? Trace { get; init; }

    /// <summary>By which the server measures time-outs.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How connections for rows and activations are made.</summary>
    internal Carrier Carrier { get; init; } = Carrier.Tcp;

    /// <summary>Wraps the bytes of connections between server nodes, told whether this end dials; tests disturb them so.</summary>
    internal Func<Stream, bool, Stream> StageLink { get; init; } = (stream, _) => stream;

    /// <summary>Completes with the run's summary, or fails with a <see cref="RunFailedException"/> or what broke it.</summary>
    public Task<RunSummary> Result => _result.Task;

    internal void Complete(RunSummary summary) => _result.TrySetResult(summary);

    internal void Fail(Exception error) => _result.TrySetException(error);
}
