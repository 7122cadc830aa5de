using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Lora;
using SplitFrozen.Model.Peft;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>Blocks [C, L), final norm and head with adapters on one compute device.</summary>
internal sealed class TrainerStage : ITrainerStage
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
    }

    /// <inheritdoc/>
    public long TrainableParameters => _parts.Trainables.Count;

    /// <inheritdoc/>
    public int InFlight => _inFlight.Count;

    /// <summary>The trained tensors, for tests.</summary>
    internal IReadOnlyList<Trainable> Trainables => _parts.Trainables.Members;

    /// <inheritdoc/>
    public TargetScore Forward(int microBatch, int step, ActivationBatch batch)
    {
        if (_inFlight.ContainsKey(microBatch))
        {
            throw new InvalidOperationException($"Micro-batch {microBatch} is in flight already.");
        }

        using var scope = NewDisposeScope();
        var dropout = _spec.Lora.Dropout > 0 ? new LoraDropout(_spec.Lora.Dropout, _spec.Seed, step, batch.SampleKeys) : null;
        var tape = new LoraTape(dropout);
        var (output, targets) = Run(batch, tape);
        using var _ = no_grad();
        var (score, headMemory) = _parts.Head.Forward(output.detach(), targets);
        _inFlight.Add(microBatch, new MicroBatch(_parts.Head, headMemory, output, tape));
        return score;
    }

    /// <inheritdoc/>
    public void BackwardInput(int microBatch)
    {
        var held = Held(microBatch);
        if (held.InputGradientsDone)
        {
            throw new InvalidOperationException($"B of micro-batch {microBatch} is done already.");
        }

        held.BackwardInput();
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
    public double Step(double learningRate, long targets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(targets, 1);
        if (InFlight > 0)
        {
            throw new InvalidOperationException($"A step needs every W to be done; {InFlight} micro-batches are in flight.");
        }

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = _parts.Trainables.Gradients.div_(targets);
        double norm = gradients.to(ScalarType.Float64).norm().item<double>();
        if (double.IsFinite(norm))
        {
            Clip(gradients, norm);
            _optimizer.Step(learningRate);
        }

        gradients.zero_();
        return norm;
    }

    /// <inheritdoc/>
    public TargetScore Evaluate(ActivationBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (output, targets) = Run(batch, tape: null);
        return _parts.Head.Score(output, targets);
    }

    /// <inheritdoc/>
    public void SaveAdapter(string folder) =>
        PeftFolder.Save(folder, PeftConfig.From(_architecture, _spec, _parts.ModelName, _shape.Layers), Trainables);

    /// <inheritdoc/>
    public void LoadAdapter(string folder) =>
        PeftFolder.Load(folder, PeftConfig.From(_architecture, _spec, _parts.ModelName, _shape.Layers), Trainables);

    /// <inheritdoc/>
    public void SaveOptimizer(string file) => OptimizerFile.Save(file, _optimizer, _parts.Trainables);

    /// <inheritdoc/>
    public void LoadOptimizer(string file) => OptimizerFile.Load(file, _optimizer, _parts.Trainables);

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
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rows = Run(batch, tape: null).Output;
        return (rows.DetachFromDisposeScope(), _parts.Head.Logits(rows).DetachFromDisposeScope());
    }

    private void Clip(Tensor gradients, double norm)
    {
        // torch.nn.utils.clip_grad_norm_ adds this before it divides.
        const double guard = 1e-6;
        if (_spec.ClipNorm > 0 && _spec.ClipNorm / (norm + guard) is var factor and < 1)
        {
            gradients.mul_(factor);
        }
    }

    /// <summary>Runs the blocks and the final norm; returns the rows that targets are read at [R, D], and their targets [R].</summary>
    private (Tensor Output, Tensor Targets) Run(ActivationBatch batch, LoraTape? tape)
    {
        var layout = new RaggedLayout(batch.Lengths, _shape.Context, _device);
        Check(batch, layout);
        var rows = TensorMemory.Upload(batch.Values.Span[..(layout.Rows * _shape.Width)], [layout.Rows, _shape.Width], _device);
        var pass = _architecture.Begin(layout, _device, tape);
        var needed = new RowSelection(_parts.Head.Rows(batch.Targets, layout), _device);
        for (int i = 0; i < _parts.Blocks.Count; i++)
        {
            if (i == _parts.Blocks.Count - 1 && needed.Rows.Count < layout.Rows)
            {
                pass.Needed = needed;
            }

            rows = _parts.Blocks[i].Forward(rows, pass);
        }

        return (_parts.FinalNorm.Forward(rows), torch.tensor(_parts.Head.Targets(batch.Targets), device: _device));
    }

    private void Check(ActivationBatch batch, RaggedLayout layout)
    {
        if (batch.Values.Length < (long)layout.Rows * _shape.Width)
        {
            throw new ArgumentException($"{batch.Values.Length} values are too few for {layout.Rows} rows of {_shape.Width}.", nameof(batch));
        }

        if (batch.SampleKeys.Length != layout.Samples)
        {
            throw new ArgumentException($"There are {batch.SampleKeys.Length} keys for {layout.Samples} samples.", nameof(batch));
        }

        _parts.Head.Check(batch.Targets, layout);
    }

    private MicroBatch Held(int microBatch) => _inFlight.TryGetValue(microBatch, out var held)
        ? held
        : throw new InvalidOperationException($"Micro-batch {microBatch} is not in flight: its F is not done, or its W is.");
}
