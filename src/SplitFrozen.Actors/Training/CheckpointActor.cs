using Akka.Actor;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Actors.Training;

/// <summary>Writes what the stages have told of their state to files, on a thread of its own.</summary>
internal sealed class CheckpointActor : ReceiveActor
{
    private readonly IModelSource _model;
    private readonly TrainerSpec _spec;

    public CheckpointActor(IModelSource model, TrainerSpec spec)
    {
        (_model, _spec) = (model, spec);
        Receive<Save>(m =>
        {
            Checkpoint.Write(m.Folder, _model, _spec, m.Tensors.Adapter, m.Tensors.Optimizer, m.State);
            Sender.Tell(new Saved(m.Folder, m.State.Step));
        });
        Receive<SaveAdapter>(m =>
        {
            _model.SaveAdapter(m.Folder, _spec, m.Tensors.Adapter);
            Sender.Tell(AdapterSaved.Instance);
        });
        Receive<KeepAdapter>(m =>
        {
            Checkpoint.CopyAdapter(m.Checkpoints, m.Folder);
            Sender.Tell(AdapterSaved.Instance);
        });
    }

    /// <summary>Write a checkpoint.</summary>
    /// <param name="Folder">Where checkpoints are; earlier ones there are removed.</param>
    /// <param name="Tensors">State of all stages.</param>
    /// <param name="State">Where training stands.</param>
    internal sealed record Save(string Folder, StageState Tensors, CheckpointState State) : ILocalMessage;

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
}
