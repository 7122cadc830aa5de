using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>A line of a run's ledger.</summary>
public abstract record LedgerRecord
{
    private LedgerRecord()
    {
    }

    /// <summary>An epoch was drawn.</summary>
    /// <param name="Epoch">Training epoch, from 0.</param>
    /// <param name="Roster">Its devices with their samples; samples are named by the device's place here.</param>
    public sealed record Drawn(int Epoch, IReadOnlyList<RosterEntry> Roster) : LedgerRecord;

    /// <summary>An optimiser step was made on a global batch.</summary>
    /// <param name="Step">Step of the run, from 0.</param>
    /// <param name="Epoch">Training epoch.</param>
    /// <param name="Batch">Place of the batch in the epoch.</param>
    /// <param name="MicroBatches">Samples of each micro-batch.</param>
    /// <param name="Samples">The samples, in order.</param>
    public sealed record Trained(int Step, int Epoch, int Batch, IReadOnlyList<int> MicroBatches, IReadOnlyList<PlanSample> Samples) : LedgerRecord;

    /// <summary>Samples of a device are not trained where the plan has them: the device was lost, or did not deliver them in time.</summary>
    /// <param name="Epoch">Training epoch.</param>
    /// <param name="Device">Place of the device among those of the epoch.</param>
    /// <param name="Samples">Indices of its samples, in the order of the plan.</param>
    /// <param name="PutOff">Whether they come later in the epoch; else they are struck from it.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Removed(int Epoch, int Device, IReadOnlyList<int> Samples, bool PutOff, string Reason) : LedgerRecord;

    /// <summary>An epoch was trained.</summary>
    public sealed record Closed(int Epoch) : LedgerRecord;
}
