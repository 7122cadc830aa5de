using Akka.Actor;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Actors.Training;

/// <summary>Writes the ledger, and what the stages have told of their state, to files, on a thread of its own. What cannot be written is told, not thrown: the disk may have room again.</summary>
internal sealed class CheckpointActor : ReceiveActor
{
    private readonly IModelSource _model;
    private readonly TrainerSpec _spec;
    private readonly LedgerFile _ledger;
    private readonly RunLease? _lease;

    /// <param name="model">The model folder.</param>
    /// <param name="spec">What is trained.</param>
    /// <param name="ledger">Where the ledger is.</param>
    /// <param name="ledgerBytes">How much of what is there belongs to the run; what follows is cut off.</param>
    /// <param name="lease">The right to write, asked for before each write, or null: nobody takes it away.</param>
    public CheckpointActor(IModelSource model, TrainerSpec spec, string ledger, long ledgerBytes, RunLease? lease = null)
    {
        (_model, _spec, _lease) = (model, spec, lease);
        lease?.Require();
        _ledger = LedgerFile.Open(ledger, ledgerBytes);
        Receive<Note>(m => Try(ledger, null, null, () => _ledger.Append(m.Record)));
        Receive<Save>(Write);
        Receive<SaveAdapter>(m => Try(m.Folder, null, AdapterSaved.Instance, () => _model.SaveAdapter(m.Folder, _spec, m.Tensors.Adapter)));
        Receive<KeepAdapter>(m => Try(m.Folder, null, AdapterSaved.Instance, () => Checkpoint.CopyAdapter(m.Checkpoints, m.Folder)));
    }

    protected override void PostStop() => _ledger.Dispose();

    private void Write(Save m) => Try(m.Folder, m.State.Step, new Saved(m.Folder, m.State.Step), () =>
    {
        _ledger.Flush();
        Checkpoint.Write(
            m.Folder, m.Keep, _model, _spec, m.Tensors.Adapter, m.Tensors.Optimizer, m.State with { LedgerBytes = _ledger.Bytes }, _lease?.Gate);
    });

    private void Try(string path, int? step, object? done, Action write)
    {
        try
        {
            _lease?.Require();
            write();
            if (done is not null)
            {
                Sender.Tell(done);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Where another has taken over meanwhile, that is why.
            _lease?.Require();
            Sender.Tell(new NotSaved(path, step, e.Message));
        }
    }

    /// <summary>Add a record to the ledger.</summary>
    internal sealed record Note(LedgerRecord Record) : ILocalMessage;

    /// <summary>Write a checkpoint.</summary>
    /// <param name="Folder">Where checkpoints are.</param>
    /// <param name="Keep">How many are kept there.</param>
    /// <param name="Tensors">State of all stages.</param>
    /// <param name="State">Where training stands.</param>
    internal sealed record Save(string Folder, int Keep, StageState Tensors, CheckpointState State) : ILocalMessage;

    /// <summary>Write the adapter as a PEFT folder.</summary>
    internal sealed record SaveAdapter(string Folder, StageState Tensors) : ILocalMessage;

    /// <summary>Write the last checkpoint's adapter as the run's.</summary>
    internal sealed record KeepAdapter(string Checkpoints, string Folder) : ILocalMessage;

    /// <summary>A checkpoint is written.</summary>
    internal sealed record Saved(string Folder, int Step) : ILocalMessage;

    /// <summary>The adapter is written.</summary>
    internal sealed record AdapterSaved : ILocalMessage
    {
        public static AdapterSaved Instance { get; } = new();
    }

    /// <summary>Something could not be written.</summary>
    /// <param name="Path">Where to.</param>
    /// <param name="Step">Step of the checkpoint, or null: it was something else.</param>
    /// <param name="Reason">Why.</param>
    internal sealed record NotSaved(string Path, int? Step, string Reason) : ILocalMessage;
}
