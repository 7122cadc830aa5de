using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Actors.Coordination;

/// <summary>From where a run goes on.</summary>
/// <param name="State">Where training stood.</param>
/// <param name="Tensors">State of all stages.</param>
internal sealed record ResumePoint(CheckpointState State, StageState Tensors)
{
    /// <summary>Samples of the epoch at hand that were trained.</summary>
    public IReadOnlyList<PlanSample> Trained { get; private init; } = [];

    /// <summary>Samples that were put off.</summary>
    public long PutOff { get; private init; }

    /// <summary>Bytes of the ledger that count.</summary>
    public long LedgerBytes => State.LedgerBytes;

    /// <summary>
    /// Looks for the last checkpoint of a run that can be used: one that is whole, and up to which the ledger is. What is newer is removed or set aside, as the run comes
    /// by it again. Without any, the run begins from its start.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="refused">Told in words of each checkpoint that is not used.</param>
    /// <exception cref="Domain.UserErrorException">There are checkpoints, and none can be used.</exception>
    public static ResumePoint? Find(ServerRun run, Action<string> refused)
    {
        var checkpoint = Checkpoint.Latest(run.Paths.Checkpoints, state => Fault(run, state), refused);
        Checkpoint.RemoveAfter(run.Paths.Best, checkpoint?.State.Step ?? -1);
        if (checkpoint is null)
        {
            return null;
        }

        var ledger = LedgerFile.Read(run.Paths.Ledger, checkpoint.State.LedgerBytes).Records;
        return new ResumePoint(
            checkpoint.State, new StageState(run.Model.ReadAdapter(checkpoint.Adapter, run.Trainer), run.Model.ReadOptimizer(checkpoint.Optimizer)))
        {
            Trained = [.. ledger.OfType<LedgerRecord.Trained>().Where(t => t.Epoch == checkpoint.State.Epoch).SelectMany(t => t.Samples)],
            PutOff = LedgerCheck.Of(ledger).Sum(e => e.PutOff),
        };
    }

    private static string? Fault(ServerRun run, CheckpointState state)
    {
        if (state.Seed != run.Settings.Training.Seed)
        {
            return $"it is of a run with seed {state.Seed}, not {run.Settings.Training.Seed}";
        }

        if (!File.Exists(run.Paths.Ledger))
        {
            return "the run's ledger is missing";
        }

        var ledger = LedgerFile.Read(run.Paths.Ledger);
        return ledger.Bytes >= state.LedgerBytes ? null : $"the run's ledger ends before it: {ledger.Fault ?? "lines are missing"}";
    }
}
