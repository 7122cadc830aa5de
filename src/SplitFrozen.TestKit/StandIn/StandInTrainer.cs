using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>
/// A stage of the trained part of the stand-in model: blocks y = x + tanh(W x + s B A x) with adapters A [r, D] and B [D, r], and on the last stage a head
/// H [K, D] on the last row of each sample; cross-entropy and AdamW. Rows are rounded to single precision where a block hands them on, up and down, as they
/// would be between stages: where the boundaries lie leaves no trace. Only the last row of a sample matters, so only that is computed; others are zero.
/// </summary>
internal sealed partial class StandInTrainer : ITrainerStage
{
    private readonly StandInModel _model;
    private readonly TrainerSpec _spec;
    private readonly List<StandInLayer> _layers = [];
    private readonly StandInParameter? _head;
    private readonly Dictionary<int, Pass> _passes = [];
    private int _steps;

    public StandInTrainer(StandInModel model, TrainerSpec spec)
    {
        (_model, _spec) = (model, spec);
        var width = model.Shape.Width;
        Blocks = spec.StageOf(model.Shape.Layers);
        for (var layer = Blocks.From; layer < Blocks.To; layer++)
        {
            var a = StandInParameter.Random(SeededRandom.For(spec.Seed, "A", layer), spec.Lora.Rank * width, 0.5);
            _layers.Add(new StandInLayer(model.Block(layer), a, new StandInParameter(width * spec.Lora.Rank), width, spec.Lora.Rank, spec.Lora.Alpha / spec.Lora.Rank));
        }

        _head = IsLast ? StandInParameter.Random(SeededRandom.For(spec.Seed, "head"), spec.Labels * width, 0.1) : null;
    }

    public BlockRange Blocks { get; }

    public bool IsFirst => Blocks.From == _spec.Cut;

    public bool IsLast => Blocks.To == _model.Shape.Layers;

    public long TrainableParameters => Parameters().Sum(p => (long)p.Value.Length);

    public int InFlight => _passes.Count;

    public TargetScore Forward(int microBatch, int step, ActivationBatch batch, Span<float> output)
    {
        if (_passes.ContainsKey(microBatch))
        {
            throw new InvalidOperationException($"F of micro-batch {microBatch} was run already.");
        }

        var pass = Run(batch, output);
        _passes[microBatch] = pass;
        return pass.Score;
    }

    public void BackwardInput(int microBatch, ReadOnlySpan<float> outputGradient, Span<float> inputGradient)
    {
        if (!_passes.TryGetValue(microBatch, out var pass) || pass.IsBackward)
        {
            throw new InvalidOperationException($"B of micro-batch {microBatch} needs its F, and is run once.");
        }

        CheckSize(outputGradient.Length, pass.Rows, isNeeded: !IsLast);
        CheckSize(inputGradient.Length, pass.Rows, isNeeded: !IsFirst);
        inputGradient.Clear();
        foreach (var sample in pass.Samples)
        {
            var gradient = IsLast ? HeadGradient(sample) : ReadRow(outputGradient, sample.Row);
            for (var layer = _layers.Count - 1; layer >= 0; layer--)
            {
                gradient = Rounded(_layers[layer].BackwardInput(sample.Traces[layer], gradient));
            }

            WriteRow(gradient, inputGradient, sample.Row);
        }

        pass.IsBackward = true;
    }

    public void BackwardWeights(int microBatch)
    {
        if (!_passes.TryGetValue(microBatch, out var pass) || !pass.IsBackward)
        {
            throw new InvalidOperationException($"W of micro-batch {microBatch} needs its B.");
        }

        var width = _model.Shape.Width;
        foreach (var sample in pass.Samples)
        {
            for (var layer = 0; layer < _layers.Count; layer++)
            {
                _layers[layer].BackwardWeights(sample.Traces[layer]);
            }

            for (var k = 0; _head is not null && k < _spec.Labels; k++)
            {
                for (var i = 0; i < width; i++)
                {
                    _head.Gradient[(k * width) + i] += sample.LogitGradient[k] * sample.Output[i];
                }
            }
        }

        _passes.Remove(microBatch);
    }

    public double[] GradientSquares()
    {
        CheckIdle();
        var squares = _layers.ConvertAll(l => (_spec.FreezeA ? l.B.Gradient : l.A.Gradient.Concat(l.B.Gradient)).Sum(g => g * g));
        if (_head is not null)
        {
            squares.Add(_head.Gradient.Sum(g => g * g));
        }

        return [.. squares];
    }

    public void Step(double learningRate, long targets, double norm)
    {
        CheckIdle();
        if (!double.IsFinite(norm))
        {
            Parameters().ForEach(p => Array.Clear(p.Gradient));
            return;
        }

        _steps++;
        var clip = _spec.ClipNorm > 0 ? Math.Min(1, _spec.ClipNorm / (norm + 1e-6)) : 1;
        if (_spec.FreezeA)
        {
            _layers.ForEach(l => Array.Clear(l.A.Gradient));
        }

        Parameters().Except(_spec.FreezeA ? _layers.Select(l => l.A) : []).ToList()
            .ForEach(p => p.AdamW(learningRate, clip / targets, _spec.WeightDecay, _steps));
    }

    public TargetScore Evaluate(ActivationBatch batch, Span<float> output)
    {
        var pass = Run(batch, output);
        return IsLast ? pass.Score with { Confusion = Confusion(pass, batch.Targets) } : pass.Score;
    }

    public void Dispose()
    {
    }

    private List<StandInParameter> Parameters()
    {
        var parameters = _layers.SelectMany(l => new[] { l.A, l.B }).ToList();
        if (_head is not null)
        {
            parameters.Add(_head);
        }

        return parameters;
    }

    private Pass Run(ActivationBatch batch, Span<float> output)
    {
        var rows = batch.Lengths.Sum();
        CheckSize(output.Length, rows, isNeeded: !IsLast);
        output.Clear();
        var samples = new List<SamplePass>();
        var score = new TargetScore();
        var row = -1;
        for (var n = 0; n < batch.Lengths.Length; n++)
        {
            row += batch.Lengths[n];
            var x = ReadRow(batch.Values.Span, row);
            var traces = new List<StandInLayer.Trace>();
            foreach (var layer in _layers)
            {
                traces.Add(layer.Forward(ref x));
                x = Rounded(x);
            }

            WriteRow(x, output, row);
            var found = default(TargetScore);
            samples.Add(new SamplePass(row, traces, x, IsLast ? LogitGradient(x, batch.Targets[n], out found) : []));
            score += found;
        }

        return new Pass(samples, rows, score);
    }

    private double[] LogitGradient(double[] output, int label, out TargetScore score)
    {
        var logits = new double[_spec.Labels];
        for (var k = 0; k < logits.Length; k++)
        {
            for (var i = 0; i < output.Length; i++)
            {
                logits[k] += Head.Value[(k * output.Length) + i] * output[i];
            }
        }

        var largest = logits.Max();
        var sum = logits.Sum(l => Math.Exp(l - largest));
        var gradient = Array.ConvertAll(logits, l => Math.Exp(l - largest) / sum);
        score = new TargetScore(Math.Log(sum) + largest - logits[label], 1, Array.IndexOf(logits, largest) == label ? 1 : 0);
        gradient[label] -= 1;
        return gradient;
    }

    private ConfusionMatrix Confusion(Pass pass, int[] labels)
    {
        // Softmax less one-hot: with the one added back, the largest is the one that is predicted.
        int[] predicted = [.. pass.Samples.Select((sample, n) => Enumerable.Range(0, _spec.Labels).MaxBy(k => sample.LogitGradient[k] + (k == labels[n] ? 1 : 0)))];
        return ConfusionMatrix.Of(labels.AsSpan(0, predicted.Length), predicted, _spec.Labels);
    }

    private double[] HeadGradient(SamplePass sample)
    {
        var gradient = new double[_model.Shape.Width];
        for (var k = 0; k < _spec.Labels; k++)
        {
            for (var i = 0; i < gradient.Length; i++)
            {
                gradient[i] += sample.LogitGradient[k] * Head.Value[(k * gradient.Length) + i];
            }
        }

        return Rounded(gradient);
    }

    private StandInParameter Head => _head ?? throw new InvalidOperationException($"The stage of blocks {Blocks} has no head.");

    private double[] ReadRow(ReadOnlySpan<float> rows, int row)
    {
        var x = new double[_model.Shape.Width];
        for (var i = 0; i < x.Length; i++)
        {
            x[i] = rows[(row * x.Length) + i];
        }

        return x;
    }

    /// <summary>Writes one row, where there is someone to read it.</summary>
    private static void WriteRow(double[] x, Span<float> rows, int row)
    {
        for (var i = 0; !rows.IsEmpty && i < x.Length; i++)
        {
            rows[(row * x.Length) + i] = (float)x[i];
        }
    }

    private static double[] Rounded(double[] x) => Array.ConvertAll(x, v => (double)(float)v);

    private void CheckSize(int found, int rows, bool isNeeded)
    {
        var wanted = isNeeded ? rows * _model.Shape.Width : 0;
        if (found != wanted)
        {
            throw new ArgumentException($"Blocks {Blocks} exchange {wanted} numbers here; there is room for {found}.");
        }
    }

    private void CheckIdle()
    {
        if (_passes.Count > 0)
        {
            throw new InvalidOperationException($"{_passes.Count} micro-batches are in flight: their W comes before the step.");
        }
    }

    private sealed record Pass(List<SamplePass> Samples, int Rows, TargetScore Score)
    {
        public bool IsBackward { get; set; }
    }

    private sealed record SamplePass(int Row, List<StandInLayer.Trace> Traces, double[] Output, double[] LogitGradient);
}
