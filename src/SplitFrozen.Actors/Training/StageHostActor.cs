using Akka.Actor;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Training;

/// <summary>Parent of the trainer stages of one server node: starts them, and starts them again after a fault.</summary>
internal sealed class StageHostActor : ReceiveActor
{
    private readonly IModelSource _model;

    public StageHostActor(IModelSource model)
    {
        _model = model;
        Receive<StageCommands.Host>(Host);
    }

    /// <summary>A stage that cannot be loaded at all is nothing to try again.</summary>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(error => error is ActorInitializationException ? Directive.Escalate : Directive.Restart);

    private void Host(StageCommands.Host order)
    {
        var memory = new StageMemory(order.Stage, Sender) { Generation = order.Generation };
        var spec = Spec(order.Spec);
        Context.ActorOf(
            Props.Create(() => new LoRATrainerActor(_model, spec, memory)).WithDispatcher(ActorConfig.ComputeDispatcher), $"stage-{order.Stage}");
    }

    private static TrainerSpec Spec(StageSpec spec) => new(
        spec.Task, spec.Labels, spec.Cut, new LoraSpec(spec.Rank, spec.Alpha, spec.Dropout, spec.LoraTargets), spec.WeightDecay, spec.ClipNorm, spec.Seed)
    {
        Stage = new BlockRange(spec.From, spec.To),
    };
}
