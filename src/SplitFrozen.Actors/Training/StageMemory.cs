using Akka.Actor;

using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Training;

/// <summary>
/// What of a stage outlives a fault of its actor: who its neighbours are, and the state after the last two optimiser steps. Two, since a fault may come
/// when some stages have made a step and others not. Used by one actor at a time.
/// </summary>
internal sealed class StageMemory(int stage, IActorRef coordinator)
{
    private readonly Dictionary<int, StageState> _states = [];

    /// <summary>Place of the stage, from 0.</summary>
    public int Stage => stage;

    /// <summary>Told what happens.</summary>
    public IActorRef Coordinator => coordinator;

    /// <summary>Takes this stage's activations.</summary>
    public IActorRef Above { get; set; } = ActorRefs.Nobody;

    /// <summary>Takes this stage's gradients.</summary>
    public IActorRef Below { get; set; } = ActorRefs.Nobody;

    /// <summary>The generation.</summary>
    public int Generation { get; set; }

    /// <summary>Keeps the state after so many steps.</summary>
    public void Keep(int steps, StageState state)
    {
        foreach (var older in _states.Keys.Where(s => s < steps - 1).ToList())
        {
            _states.Remove(older);
        }

        _states[steps] = state;
    }

    /// <summary>Begins with the state after so many steps; until all stages have theirs, the one before counts.</summary>
    public void Begin(int steps, StageState state) => _states[steps] = state;

    /// <summary>The state after so many steps.</summary>
    /// <exception cref="InvalidOperationException">It is not among the last two.</exception>
    public StageState After(int steps) => _states.TryGetValue(steps, out var state)
        ? state : throw new InvalidOperationException($"Stage {stage} does not have its state after {steps} steps any more.");
}

/// <summary>Adapter and optimiser of a stage.</summary>
internal sealed record StageState(IReadOnlyList<TensorData> Adapter, IReadOnlyList<TensorData> Optimizer)
{
    /// <summary>Tensors in pieces that fit into messages, in order; one without bytes makes one empty piece.</summary>
    public static IEnumerable<(TensorData Tensor, byte[] Part)> Parts(IReadOnlyList<TensorData> tensors)
    {
        foreach (var tensor in tensors)
        {
            var rest = tensor.Bytes;
            do
            {
                var part = rest[..Math.Min(rest.Length, StageEvents.TensorPart.MostBytes)];
                rest = rest[part.Length..];
                yield return (tensor, part.ToArray());
            }
            while (rest.Length > 0);
        }
    }
}
