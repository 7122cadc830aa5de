using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>Blocks of the trained part with adapters, and on the last stage final norm and head, on one compute device.</summary>
internal sealed partial class TrainerStage : ITrainerStage
{
    private readonly Architecture _architecture;
    private readonly TrainerSpec _spec;
    private readonly Device _device;
    private readonly ModelShape _shape;
    private readonly TrainerParts _parts;
    private readonly AdamW _optimizer;
    private readonly Dictionary<int, MicroBatch> _inFlight = [];

    /// <summary>Puts loaded parts together.</summary>
    public TrainerStage(Architecture architecture, TrainerSpec spec, TrainerParts parts, Device device)
    {
        _architecture = architecture;
        _spec = spec;
        _parts = parts;
        _device = device;
        _shape = architecture.Shape(0);
        _optimizer = new AdamW(parts.Trainables, spec.WeightDecay);
        Blocks = spec.StageOf(_shape.Layers);
    }

    /// <inheritdoc/>
    public BlockRange Blocks { get; }

    /// <inheritdoc/>
    public bool IsFirst => Blocks.From == _spec.Cut;

    /// <inheritdoc/>
    public bool IsLast => _parts.Ending is not null;

    /// <inheritdoc/>
    public long TrainableParameters => _parts.Trainables.Count;

    /// <inheritdoc/>
    public int InFlight => _inFlight.Count;

    /// <summary>The trained tensors, for tests.</summary>
    internal IReadOnlyList<Trainable> Trainables => _parts.Trainables.Members;

    /// <inheritdoc/>
    public TargetScore Forward(int microBatch, int step, ActivationBatch batch, Span<float> output)
    {
        if (_inFlight.ContainsKey(microBatch))
        {
            throw new InvalidOperationException($"Micro-batch {microBatch} is in flight already.");
        }

        using var scope = NewDisposeScope();
        var dropout = _spec.Lora.Dropout > 0 ? new LoraDropout(_spec.Lora.Dropout, _spec.Seed, step, batch.SampleKeys) : null;
        var tape = new LoraTape(dropout);
        var layout = Check(batch, output.Length);
        var input = Upload(batch, layout);
        if (!IsFirst)
        {
            input.requires_grad_(true);
        }

        var rows = Run(input, batch, layout, tape);
        using var _ = no_grad();
        var (score, headMemory) = Finish(rows.detach(), batch, output);
        _inFlight.Add(microBatch, new MicroBatch(rows, IsFirst ? null : input, tape, _parts.Ending?.Head, headMemory));
        return score;
    }

    /// <inheritdoc/>
    public void BackwardInput(int microBatch, ReadOnlySpan<float> outputGradient, Span<float> inputGradient)
    {
        var held = Held(microBatch);
        if (held.InputGradientsDone)
        {
            throw new InvalidOperationException($"B of micro-batch {microBatch} is done already.");
        }

        CheckSize(outputGradient.Length, IsLast ? 0 : held.OutputSize, nameof(outputGradient));
        CheckSize(inputGradient.Length, held.InputSize, nameof(inputGradient));
        using var scope = NewDisposeScope();
        var gradient = IsLast ? null : TensorMemory.Upload(outputGradient, held.OutputShape, _device);
        if (held.BackwardInput(gradient) is { } result)
        {
            TensorMemory.Download(result, inputGradient);
        }
    }

    /// <inheritdoc/>
    public void BackwardWeights(int microBatch)
    {
        var held = Held(microBatch);
        if (!held.InputGradientsDone)
        {
            throw new InvalidOperationException($"W of micro-batch {microBatch} came before its B.");
        }

        held.BackwardWeights();
        _inFlight.Remove(microBatch);
        held.Dispose();
    }

    /// <inheritdoc/>
    public double[] GradientSquares()
    {
        CheckIdle();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return Array.ConvertAll(_parts.Trainables.Groups(_parts.Trainables.Gradients), group =>
        {
            var wide = group.to(ScalarType.Float64);
            return wide.mul(wide).sum().item<double>();
        });
    }

    /// <inheritdoc/>
    public void Step(double learningRate, long targets, double norm)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(targets, 1);
        CheckIdle();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = _parts.Trainables.Gradients;
        if (double.IsFinite(norm))
        {
            using Scalar count = targets;
            gradients.div_(count);
            Clip(gradients, norm);
            StepOptimizer(learningRate);
        }

        gradients.zero_();
    }

    /// <inheritdoc/>
    public TargetScore Evaluate(ActivationBatch batch, Span<float> output)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var layout = Check(batch, output.Length);
        var rows = Run(Upload(batch, layout), batch, layout, tape: null);
        if (_parts.Ending is { } ending)
        {
            return ending.Head.Score(rows, Targets(ending, batch));
        }

        TensorMemory.Download(rows, output);
        return default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in _inFlight.Values)
        {
            held.Dispose();
        }

        _inFlight.Clear();
        _optimizer.Dispose();
        _parts.Dispose();
    }

    /// <summary>The final norm's output [R, D] and the logits [R, K] at the rows that have targets, for tests; the caller owns them.</summary>
    internal (Tensor Rows, Tensor Logits) Inspect(ActivationBatch batch)
    {
        var ending = _parts.Ending ?? throw new InvalidOperationException($"The stage of blocks {Blocks} has no head.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var layout = Check(batch, 0);
        var rows = Run(Upload(batch, layout), batch, layout, tape: null);
        return (rows.DetachFromDisposeScope(), ending.Head.Logits(rows).DetachFromDisposeScope());
    }

    private void StepOptimizer(double learningRate)
    {
        // A frozen A has no gradient, but shares its memory with what decays.
        var kept = _spec.FreezeA ? _parts.Trainables.Values.clone() : null;
        _optimizer.Step(learningRate);
        foreach (var a in _parts.Trainables.Members.Where(m => kept is not null && LoraNames.IsA(m.Name)))
        {
            a.Value.copy_(TrainableSet.ViewLike(a, kept!));
        }
    }

    private void Clip(Tensor gradients, double norm)
    {
        // torch.nn.utils.clip_grad_norm_ adds this before it divides.
        const double guard = 1e-6;
        if (_spec.ClipNorm > 0 && _spec.ClipNorm / (norm + guard) is var factor and < 1)
        {
            using Scalar share = factor;
            gradients.mul_(share);
        }
    }

    /// <summary>Runs the blocks and, on the last stage, the final norm on the rows that targets are read at: [R, D], else [T, D].</summary>
    private Tensor Run(Tensor rows, ActivationBatch batch, RaggedLayout layout, LoraTape? tape)
    {
        var pass = _architecture.Begin(layout, _device, tape);
        for (int i = 0; i < _parts.Blocks.Count; i++)
        {
            if (i == _parts.Blocks.Count - 1 && _parts.Ending?.Head.Rows(batch.Targets, layout) is { } needed && needed.Length < layout.Rows)
            {
                pass.Needed = new RowSelection(needed, needed.AsSpan().SequenceEqual(layout.LastRows()), _device);
            }

            rows = _parts.Blocks[i].Forward(rows, pass);
        }

        return _parts.Ending is { } ending ? ending.Norm.Forward(rows) : rows;
    }

    /// <summary>What follows the blocks in F: the loss, or the way to the next stage.</summary>
    private (TargetScore Score, HeadMemory? Memory) Finish(Tensor rows, ActivationBatch batch, Span<float> output)
    {
        if (_parts.Ending is { } ending)
        {
            return ending.Head.Forward(rows, Targets(ending, batch));
        }

        TensorMemory.Download(rows, output);
        return default;
    }

    private Tensor Targets(Ending ending, ActivationBatch batch) => torch.tensor(ending.Head.Targets(batch.Targets), device: _device);

    private Tensor Upload(ActivationBatch batch, RaggedLayout layout) =>
        TensorMemory.Upload(batch.Values.Span[..(layout.Rows * _shape.Width)], [layout.Rows, _shape.Width], _device);

    private RaggedLayout Check(ActivationBatch batch, int outputSize)
    {
        var layout = new RaggedLayout(batch.Lengths, _shape.Context, _device);
        long size = (long)layout.Rows * _shape.Width;
        if (batch.Values.Length < size)
        {
            throw new ArgumentException($"{batch.Values.Length} values are too few for {layout.Rows} rows of {_shape.Width}.", nameof(batch));
        }

        if (batch.SampleKeys.Length != layout.Samples)
        {
            throw new ArgumentException($"There are {batch.SampleKeys.Length} keys for {layout.Samples} samples.", nameof(batch));
        }

        CheckSize(outputSize, IsLast ? 0 : size, "output");
        _parts.Ending?.Head.Check(batch.Targets, layout);
        return layout;
    }

    private void CheckSize(long found, long wanted, string argument)
    {
        if (found != wanted)
        {
            throw new ArgumentException($"Blocks {Blocks} of {_spec.Cut}..{_shape.Layers} exchange {wanted} numbers here; there is room for {found}.", argument);
        }
    }

    private void CheckIdle()
    {
        if (InFlight > 0)
        {
            throw new InvalidOperationException($"A step needs every W to be done; {InFlight} micro-batches are in flight.");
        }
    }

    private MicroBatch Held(int microBatch) => _inFlight.TryGetValue(microBatch, out var held)
        ? held
        : throw new InvalidOperationException($"Micro-batch {microBatch} is not in flight: its F is not done, or its W is.");
}
