using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Domain.Simulation;

/// <summary>What work costs, in floating-point operations and bytes.</summary>
public interface IWorkCosts
{
    /// <summary>Operations of one frozen block on a forward unit.</summary>
    /// <param name="lengths">Tokens of each sample.</param>
    double FrozenBlock(ReadOnlySpan<int> lengths);

    /// <summary>Operations of F, B or W of a micro-batch on one trainer stage.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="stage">The stage, from 0.</param>
    /// <param name="stages">Number of stages.</param>
    /// <param name="lengths">Tokens of each sample; empty where all were struck.</param>
    double Trainer(OperationKind kind, int stage, int stages, ReadOnlySpan<int> lengths);

    /// <summary>Bytes of a unit on the wire, header included.</summary>
    double UnitBytes(int samples, int tokens);

    /// <summary>Bytes of memory that one frozen block takes on a device.</summary>
    long BlockBytes { get; }
}

/// <summary>
/// The costs of a model by <see cref="LayerCosts"/>. B of a block costs its forward once more for the matrices and twice for the products of attention; W is that of LoRA
/// adapters, a fixed share of F (0.0034 for q and v at rank 8). The head is left out: for classification it is negligible, for language modelling
/// 2 · D · V a token is added to F and B of the last stage.
/// </summary>
/// <param name="shape">The model.</param>
/// <param name="cut">The frozen line C.</param>
/// <param name="languageModel">Whether the head spans the vocabulary.</param>
public sealed class ModelCosts(ModelShape shape, int cut, bool languageModel) : IWorkCosts
{
    private const double WeightShare = 0.0034;

    /// <summary>Fixed part of a frame's header and its checksum.</summary>
    private const int HeaderBytes = 80;

    /// <summary>Index, length and label of a sample in a frame's header.</summary>
    private const int SampleBytes = 12;

    /// <inheritdoc/>
    public long BlockBytes { get; } = LayerCosts.BlockMatrixParameters(shape) * sizeof(float);

    /// <inheritdoc/>
    public double FrozenBlock(ReadOnlySpan<int> lengths) => LayerCosts.BlockForward(shape, lengths);

    /// <inheritdoc/>
    public double Trainer(OperationKind kind, int stage, int stages, ReadOnlySpan<int> lengths)
    {
        var forward = LayerCosts.BlockForward(shape, lengths);
        var tokens = 0L;
        foreach (var length in lengths)
        {
            tokens += length;
        }

        var matrices = 2.0 * LayerCosts.BlockMatrixParameters(shape) * tokens;
        var head = languageModel && stage == stages - 1 ? 2.0 * shape.Width * shape.Vocabulary * tokens : 0;
        var blocks = Blocks(stage, stages);
        return kind switch
        {
            OperationKind.Forward => (blocks * forward) + head,
            OperationKind.BackwardInput => (blocks * ((2 * forward) - matrices)) + head,
            _ => blocks * forward * WeightShare,
        };
    }

    /// <inheritdoc/>
    public double UnitBytes(int samples, int tokens) =>
        HeaderBytes + ((double)SampleBytes * samples) + ((double)tokens * shape.Width * sizeof(float)) + (languageModel ? sizeof(int) * (tokens - samples) : 0);

    /// <summary>Blocks of a stage: C to L as evenly as whole blocks allow, the first stages taking what is over.</summary>
    private int Blocks(int stage, int stages)
    {
        var trained = shape.Layers - cut;
        return (trained / stages) + (stage < trained % stages ? 1 : 0);
    }
}
