using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Simulation;

/// <summary>
/// The costs of a model by <see cref="LayerCosts"/> and <see cref="TrainingCosts"/>. Those are linear in a batch's samples, tokens and squared lengths, so their coefficients
/// are taken once: a simulation asks for the costs of millions of samples. Language modelling counts every token as a target.
/// </summary>
public sealed class ModelCosts : IWorkCosts
{
    /// <summary>Fixed part of a frame's header and its checksum.</summary>
    private const int HeaderBytes = 80;

    /// <summary>Index, length and label of a sample in a frame's header.</summary>
    private const int SampleBytes = 12;

    private readonly int _rowBytes;
    private readonly bool _isLanguageModel;
    private readonly Linear _frozen;
    private readonly Linear[][] _stages;

    /// <summary>The costs of a run.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="spec">What is trained.</param>
    /// <param name="stages">Trainer stages p, from 1 to the number of trained blocks, which they share out evenly.</param>
    /// <param name="codec">How activations are written on the wire.</param>
    public ModelCosts(ModelShape shape, TrainerSpec spec, int stages, ActivationCodec codec)
    {
        (_rowBytes, _isLanguageModel) = (RowCodec.RowBytes(codec, shape.Width), spec.Task == TaskKind.LanguageModel);
        _frozen = Linear.Of(length => LayerCosts.BlockForward(shape, [length]));
        _stages = [.. new BlockRange(spec.Cut, shape.Layers).Cut(stages).Select(range =>
        {
            OperationFlops Stage(int length) => TrainingCosts.Stage(shape, spec with { Stage = range }, [length], _isLanguageModel ? length : 1);
            return new[] { Linear.Of(l => Stage(l).Forward), Linear.Of(l => Stage(l).BackwardInput), Linear.Of(l => Stage(l).BackwardWeights) };
        })];
        BlockBytes = (long)MemoryCosts.BlockWeights(shape, sizeof(float));
    }

    /// <inheritdoc/>
    public long BlockBytes { get; }

    /// <inheritdoc/>
    public double FrozenBlock(ReadOnlySpan<int> lengths) => _frozen.At(lengths);

    /// <inheritdoc/>
    public double Trainer(OperationKind kind, int stage, ReadOnlySpan<int> lengths) => _stages[stage][(int)kind].At(lengths);

    /// <inheritdoc/>
    public double UnitBytes(int samples, int tokens) =>
        HeaderBytes + ((double)SampleBytes * samples) + ((double)tokens * _rowBytes) + (_isLanguageModel ? sizeof(int) * (tokens - samples) : 0);

    /// <summary>a a sample, b a token, c a squared length.</summary>
    private readonly record struct Linear(double Sample, double Token, double Square)
    {
        /// <summary>The coefficients that one sample's cost at lengths 1, 2 and 3 determines.</summary>
        public static Linear Of(Func<int, double> sample)
        {
            var (one, two, three) = (sample(1), sample(2), sample(3));
            var square = (three - (2 * two) + one) / 2;
            var token = two - one - (3 * square);
            return new Linear(one - token - square, token, square);
        }

        public double At(ReadOnlySpan<int> lengths)
        {
            var (tokens, squares) = (0L, 0L);
            foreach (var length in lengths)
            {
                tokens += length;
                squares += (long)length * length;
            }

            return (Sample * lengths.Length) + (Token * tokens) + (Square * squares);
        }
    }
}
