using Akka.Actor;

namespace SplitFrozen.Actors.Training;

/// <summary>What of a stage outlives a fault of its actor: who is told, who its neighbours are, where its state is kept. Used by one actor at a time.</summary>
/// <param name="stage">Place of the stage, from 0.</param>
/// <param name="coordinator">Told what happens.</param>
/// <param name="states">Keeps the state after each step.</param>
/// <param name="pace">The node's emulated pace, or null: as fast as the machine is.</param>
internal sealed class StageMemory(int stage, IActorRef coordinator, IStageStates states, ServerPace? pace)
{
    /// <summary>Place of the stage, from 0.</summary>
    public int Stage => stage;

    /// <summary>Told what happens.</summary>
    public IActorRef Coordinator => coordinator;

    /// <summary>Keeps the state after each step.</summary>
    public IStageStates States => states;

    /// <summary>The node's emulated pace, or null.</summary>
    public ServerPace? Pace => pace;

    /// <summary>Takes this stage's activations, or null on the last stage.</summary>
    public Action<StageRows>? Above { get; set; }

    /// <summary>Takes this stage's gradients, or null on the first stage.</summary>
    public Action<StageRows>? Below { get; set; }

    /// <summary>The generation.</summary>
    public int Generation { get; set; }
}
