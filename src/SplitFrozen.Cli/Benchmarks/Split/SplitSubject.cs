using System.Diagnostics;

using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Methods.Accounting;
using SplitFrozen.Model;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Benchmarks.Split;

/// <summary>What one split step took and held.</summary>
/// <param name="DeviceSeconds">Embeddings and frozen blocks.</param>
/// <param name="ServerSeconds">F, B, W and the optimiser's step.</param>
/// <param name="DeviceRate">Operations a second of the device's blocks.</param>
/// <param name="ServerRate">Operations a second of F, B and W.</param>
/// <param name="WeightBytes">Weights that the device holds.</param>
/// <param name="FormulaBytes">The same by the cost model.</param>
/// <param name="ExpandedBytes">What they would be in fp32, by the cost model.</param>
internal sealed record SplitStep(
    double DeviceSeconds, double ServerSeconds, double DeviceRate, double ServerRate, double WeightBytes, double FormulaBytes, double ExpandedBytes);

/// <summary>A device that holds the lower half of a model as stored, and a server that trains the upper half as a classifier.</summary>
internal sealed class SplitSubject : IDisposable
{
    private const double LearningRate = 1e-4;

    private readonly ModelShape _shape;
    private readonly TrainerSpec _spec;
    private readonly IFrozenBlocks _device;
    private readonly ITrainerStage _server;
    private readonly Random _random = new(1);
    private int _step;

    /// <summary>Loads both halves.</summary>
    public SplitSubject(string folder, ModelShape shape)
    {
        _shape = shape;
        var model = HuggingFaceModel.Open(folder);
        _spec = new TrainerSpec(TaskKind.Classification, 2, shape.Layers / 2, new LoraSpec(8, 16, 0, []), 0.01, 1, 1);
        _device = model.Holding(WeightHolding.AsStored).LoadFrozen(_spec.Cut);
        _server = model.LoadTrainer(_spec);
    }

    /// <summary>One sample of random tokens through all of it.</summary>
    public SplitStep Step(int length)
    {
        int[] tokens = [.. Enumerable.Range(0, length).Select(_ => _random.Next(_shape.Vocabulary))];
        var rows = new float[length * _shape.Width];
        var started = Stopwatch.GetTimestamp();
        _device.Embed(tokens, [length], _spec.Cut, rows);
        var device = Stopwatch.GetElapsedTime(started).TotalSeconds;
        started = Stopwatch.GetTimestamp();
        _server.Forward(0, _step, new ActivationBatch(rows, [length], [_step % 2], [_step]));
        _server.BackwardInput(0);
        _server.BackwardWeights(0);
        _server.Step(LearningRate, 1);
        _step++;
        var server = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var memory = new DeviceMemory(_shape, _spec);
        return new SplitStep(
            device, server, _spec.Cut * LayerCosts.BlockForward(_shape, [length]) / device, TrainingCosts.Stage(_shape, _spec, [length], 1).Total / server,
            _device.WeightBytes, memory.Weights(_spec.Cut, _shape.StoredBytesPerParameter), memory.Weights(_spec.Cut, sizeof(float)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _device.Dispose();
        _server.Dispose();
    }
}
