using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>
/// A tiny model in plain C# in the place of the real ones, so that suites run without libtorch: an embedding, blocks y = x + tanh(W x) that act on
/// each row, and a linear head on the last row of a sample. Exact gradients, equal bits on every machine.
/// </summary>
public sealed class StandInModel : IModelSource
{
    private readonly long _seed;

    /// <summary>A model whose weights are a function of the seed.</summary>
    /// <param name="layers">Number of blocks L.</param>
    /// <param name="width">Hidden size D.</param>
    /// <param name="vocabulary">Number of tokens V.</param>
    /// <param name="context">Longest sequence in tokens.</param>
    /// <param name="seed">Seed of the weights.</param>
    public StandInModel(int layers = 4, int width = 8, int vocabulary = 32, int context = 16, long seed = 1)
    {
        _seed = seed;
        Shape = new ModelShape(ModelFamily.Gpt2, layers, width, 1, 1, width, width, vocabulary, context, false, 4);
    }

    /// <inheritdoc/>
    public string Name => "stand-in";

    /// <inheritdoc/>
    public ModelShape Shape { get; }

    /// <inheritdoc/>
    public string Fingerprint => $"stand-in-{Shape.Layers}-{Shape.Width}-{Shape.Vocabulary}-{_seed}";

    /// <inheritdoc/>
    public IFrozenBlocks LoadFrozen(int blocks) => new StandInFrozenBlocks(this, blocks);

    /// <inheritdoc/>
    public ITrainerStage LoadTrainer(TrainerSpec spec) => spec.Task == TaskKind.Classification
        ? new StandInTrainer(this, spec)
        : throw new NotSupportedException("The stand-in model classifies; it does not model language.");

    /// <inheritdoc/>
    public void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors) => StandInFiles.SaveAdapter(folder, spec, tensors);

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadAdapter(string folder, TrainerSpec spec) => StandInFiles.ReadAdapter(folder);

    /// <inheritdoc/>
    public void SaveOptimizer(string file, IReadOnlyList<TensorData> tensors) => StandInFiles.Save(file, tensors);

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadOptimizer(string file) => StandInFiles.Read(file);

    /// <summary>Embeddings [V, D].</summary>
    internal float[] Embedding() => Draw("embedding", Shape.Vocabulary * Shape.Width, 1);

    /// <summary>The weight [D, D] of a block, row-major.</summary>
    internal float[] Block(int layer) => Draw($"block-{layer}", Shape.Width * Shape.Width, 1 / Math.Sqrt(Shape.Width));

    private float[] Draw(string name, int count, double scale)
    {
        var random = SeededRandom.For(_seed, name);
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = (float)(scale * ((2 * random.NextDouble()) - 1));
        }

        return values;
    }
}
