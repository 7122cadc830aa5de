using SplitFrozen.Domain.Models;
using SplitFrozen.TestKit.Timing;

namespace SplitFrozen.TestKit.Faults;

/// <summary>What a trainer stage is about to do.</summary>
/// <param name="Blocks">The stage.</param>
/// <param name="Operation">F, B, W, Step, Evaluate or Load.</param>
/// <param name="MicroBatch">The micro-batch of F, B and W; else -1.</param>
/// <param name="InFlight">Micro-batches whose activations the stage holds before it.</param>
public readonly record struct StageCall(BlockRange Blocks, string Operation, int MicroBatch, int InFlight);

/// <summary>A model whose trainer stages can be watched, and fail on command: what <paramref name="before"/> throws, the stage throws.</summary>
/// <param name="inner">The model itself.</param>
/// <param name="before">Told of each call before it is made, on the stage's thread.</param>
/// <param name="spoils">Says of an F whether its loss is made NaN; null: never.</param>
public sealed class InterceptedModel(IModelSource inner, Action<StageCall> before, Func<StageCall, bool>? spoils = null) : IModelSource
{
    /// <summary>Told of each forward unit before it is run from its tokens: with how many blocks the frozen part was loaded, and the unit's samples.</summary>
    public Action<int, int> Embedding { get; init; } = (_, _) => { };

    /// <summary>Told of each unit of which frozen blocks are run from where another node stopped: the depths from and to.</summary>
    public Action<int, int> Continuing { get; init; } = (_, _) => { };

    /// <summary>Says before a step whether its gradients are made NaN, though the loss is finite.</summary>
    public Func<bool> SpoilsGradients { get; init; } = () => false;

    /// <summary>Says of a forward unit that was run from its tokens whether one of its activations is made NaN.</summary>
    public Func<bool> SpoilsActivations { get; init; } = () => false;

    /// <summary>Told while the model works, or null.</summary>
    internal ControlledTime? Clock { get; init; }

    /// <summary>Looks at frozen blocks when they are given up, or null.</summary>
    internal FrozenWatch? Freezes { get; init; }

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public ModelShape Shape => inner.Shape;

    /// <inheritdoc/>
    public string Fingerprint => inner.Fingerprint;

    /// <inheritdoc/>
    public IFrozenBlocks LoadFrozen(int blocks)
    {
        using var work = Clock?.AtWork();
        return new InterceptedFrozen(inner.LoadFrozen(blocks), blocks, this);
    }

    /// <inheritdoc/>
    public ITrainerStage LoadTrainer(TrainerSpec spec)
    {
        before(new StageCall(spec.StageOf(Shape.Layers), "Load", -1, 0));
        using var work = Clock?.AtWork();
        return new InterceptedStage(inner.LoadTrainer(spec), before, spoils ?? (_ => false), SpoilsGradients, Clock);
    }

    /// <inheritdoc/>
    public void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors) => inner.SaveAdapter(folder, spec, tensors);

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadAdapter(string folder, TrainerSpec spec) => inner.ReadAdapter(folder, spec);

    /// <inheritdoc/>
    public void SaveOptimizer(string file, IReadOnlyList<TensorData> tensors) => inner.SaveOptimizer(file, tensors);

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadOptimizer(string file) => inner.ReadOptimizer(file);
}
