using System.Diagnostics;

using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Benchmarks.Compute;

/// <summary>
/// Random weights of some shapes in the real modules: the lower half of the blocks frozen, the upper half trained as a classifier with the family's usual
/// adapters. Each method runs one thing once and gives its floating-point operations a second, counted by the cost model.
/// </summary>
internal sealed class ComputeSubject : IDisposable
{
    private const int Labels = 2;
    private const double LearningRate = 1e-4;

    private readonly string _folder = Directory.CreateTempSubdirectory("splitfrozen-bench-").FullName;
    private readonly ModelShape _shape;
    private readonly TrainerSpec _spec;
    private readonly IFrozenBlocks _frozen;
    private readonly ITrainerStage _stage;
    private int _step;

    /// <summary>Writes and loads the model.</summary>
    /// <param name="name">For people.</param>
    /// <param name="shape">The sizes; the vocabulary hardly matters and may be small.</param>
    public ComputeSubject(string name, ModelShape shape)
    {
        (Name, _shape) = (name, shape);
        RandomModel.Write(_folder, shape, seed: 1);
        var model = HuggingFaceModel.Open(_folder);
        _spec = new TrainerSpec(TaskKind.Classification, Labels, shape.Layers / 2, new LoraSpec(8, 16, 0, []), 0.01, 1, 1);
        _frozen = model.LoadFrozen(_spec.Cut);
        _stage = model.LoadTrainer(_spec);
    }

    /// <summary>For people.</summary>
    public string Name { get; }

    /// <summary>The sizes.</summary>
    public ModelShape Shape => _shape;

    /// <summary>Blocks [0, C) forward, rows in and out of managed memory included.</summary>
    public double FrozenForward(ActivationBatch batch) => _spec.Cut * LayerCosts.BlockForward(_shape, batch.Lengths) / FrozenSeconds(batch);

    /// <summary>Seconds of the same.</summary>
    public double FrozenSeconds(ActivationBatch batch)
    {
        var output = new float[batch.Values.Length];
        var started = Stopwatch.GetTimestamp();
        _frozen.Continue(batch.Values.Span, batch.Lengths, 0, _spec.Cut, output);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Blocks [C, L) forward with adapters and nothing kept.</summary>
    public double LoraForward(ActivationBatch batch) => Rate(Costs(batch).Forward, () => _stage.Evaluate(batch));

    /// <summary>F, B and W of blocks [C, L) and the head; and the seconds of the optimiser's step with its norm.</summary>
    public (double Rate, double StepSeconds) Train(ActivationBatch batch)
    {
        var rate = Rate(Costs(batch).Total, () => RunAll(batch));
        var started = Stopwatch.GetTimestamp();
        Step(batch);
        return (rate, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Seconds of F, B, W and the step: what a peer does as well.</summary>
    public double TrainSeconds(ActivationBatch batch)
    {
        var started = Stopwatch.GetTimestamp();
        RunAll(batch);
        Step(batch);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Operations of F, B and W with and without the last block's shortcuts.</summary>
    public (double Spent, double Whole) Shortcut(ActivationBatch batch)
    {
        var whole = default(OperationFlops);
        for (var layer = _spec.Cut; layer < _shape.Layers; layer++)
        {
            whole += TrainingCosts.Block(_shape, _spec.Lora, batch.Lengths);
        }

        return (Costs(batch).Total, whole.Total);
    }

    /// <summary>Samples of these lengths with random rows.</summary>
    public ActivationBatch Batch(int[] lengths)
    {
        var random = new Random(1);
        var values = new float[lengths.Sum() * _shape.Width];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextSingle() - 0.5f;
        }

        return new ActivationBatch(values, lengths, [.. lengths.Select((_, i) => i % Labels)], [.. lengths.Select((_, i) => (long)i)]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _frozen.Dispose();
        _stage.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private OperationFlops Costs(ActivationBatch batch) => TrainingCosts.Stage(_shape, _spec, batch.Lengths, batch.Lengths.Length);

    private void Step(ActivationBatch batch)
    {
        _stage.Step(LearningRate, batch.Lengths.Length);
        _step++;
    }

    private void RunAll(ActivationBatch batch)
    {
        _stage.Forward(0, _step, batch);
        _stage.BackwardInput(0);
        _stage.BackwardWeights(0);
    }

    private static double Rate(double flops, Action action)
    {
        var started = Stopwatch.GetTimestamp();
        action();
        return flops / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
