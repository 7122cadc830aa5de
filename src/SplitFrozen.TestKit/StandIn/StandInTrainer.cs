using System.Buffers.Binary;
using System.Runtime.InteropServices;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>
/// The trained part of the stand-in model: blocks y = x + tanh(W x + s B A x) with adapters A [r, D] and B [D, r], and a head H [K, D] on the last
/// row of each sample; cross-entropy and AdamW. Only the last row of a sample matters, so only that is computed.
/// </summary>
internal sealed class StandInTrainer : ITrainerStage
{
    private const string WeightsFile = "adapter_model.safetensors";

    private readonly StandInModel _model;
    private readonly TrainerSpec _spec;
    private readonly List<StandInLayer> _layers = [];
    private readonly StandInParameter _head;
    private readonly Dictionary<int, Pass> _passes = [];
    private int _steps;

    public StandInTrainer(StandInModel model, TrainerSpec spec)
    {
        (_model, _spec) = (model, spec);
        var width = model.Shape.Width;
        for (var layer = spec.Cut; layer < model.Shape.Layers; layer++)
        {
            var a = StandInParameter.Random(SeededRandom.For(spec.Seed, "A", layer), spec.Lora.Rank * width, 0.5);
            _layers.Add(new StandInLayer(model.Block(layer), a, new StandInParameter(width * spec.Lora.Rank), width, spec.Lora.Rank, spec.Lora.Alpha / spec.Lora.Rank));
        }

        _head = StandInParameter.Random(SeededRandom.For(spec.Seed, "head"), spec.Labels * width, 0.1);
    }

    public long TrainableParameters => Parameters().Sum(p => (long)p.Value.Length);

    public int InFlight => _passes.Count;

    public TargetScore Forward(int microBatch, int step, ActivationBatch batch)
    {
        if (_passes.ContainsKey(microBatch))
        {
            throw new InvalidOperationException($"F of micro-batch {microBatch} was run already.");
        }

        var pass = Run(batch);
        _passes[microBatch] = pass;
        return pass.Score;
    }

    public void BackwardInput(int microBatch)
    {
        if (!_passes.TryGetValue(microBatch, out var pass) || pass.IsBackward)
        {
            throw new InvalidOperationException($"B of micro-batch {microBatch} needs its F, and is run once.");
        }

        foreach (var sample in pass.Samples)
        {
            var gradient = new double[_model.Shape.Width];
            for (var k = 0; k < _spec.Labels; k++)
            {
                for (var i = 0; i < gradient.Length; i++)
                {
                    gradient[i] += sample.LogitGradient[k] * _head.Value[(k * gradient.Length) + i];
                }
            }

            for (var layer = _layers.Count - 1; layer >= 0; layer--)
            {
                gradient = _layers[layer].BackwardInput(sample.Traces[layer], gradient);
            }
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

            for (var k = 0; k < _spec.Labels; k++)
            {
                for (var i = 0; i < width; i++)
                {
                    _head.Gradient[(k * width) + i] += sample.LogitGradient[k] * sample.Output[i];
                }
            }
        }

        _passes.Remove(microBatch);
    }

    public double Step(double learningRate, long targets)
    {
        if (_passes.Count > 0)
        {
            throw new InvalidOperationException($"{_passes.Count} micro-batches are in flight: their W comes before the step.");
        }

        var parameters = Parameters().ToList();
        var norm = Math.Sqrt(parameters.Sum(p => p.Gradient.Sum(g => g / targets * (g / targets))));
        if (double.IsFinite(norm))
        {
            _steps++;
            var clip = _spec.ClipNorm > 0 ? Math.Min(1, _spec.ClipNorm / (norm + 1e-6)) : 1;
            parameters.ForEach(p => p.AdamW(learningRate, clip / targets, _spec.WeightDecay, _steps));
        }

        return norm;
    }

    public TargetScore Evaluate(ActivationBatch batch)
    {
        var pass = Run(batch);
        int[] predicted = [.. pass.Samples.Select(s => s.Predicted)];
        return pass.Score with { Confusion = ConfusionMatrix.Of(batch.Targets.AsSpan(0, predicted.Length), predicted, _spec.Labels) };
    }

    public void SaveAdapter(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), $$"""{"peft_type": "LORA", "r": {{_spec.Lora.Rank}}}""");
        Write(Path.Combine(folder, WeightsFile), Parameters().Select(p => p.Value));
    }

    public void LoadAdapter(string folder) => Read(Path.Combine(folder, WeightsFile), Parameters().Select(p => p.Value));

    public void SaveOptimizer(string file) => Write(file, Parameters().SelectMany(p => new[] { p.First, p.Second }).Append([_steps]));

    public void LoadOptimizer(string file)
    {
        double[] steps = [0];
        Read(file, Parameters().SelectMany(p => new[] { p.First, p.Second }).Append(steps));
        _steps = (int)steps[0];
    }

    public void Dispose()
    {
    }

    private IEnumerable<StandInParameter> Parameters() => _layers.SelectMany(l => new[] { l.A, l.B }).Append(_head);

    private Pass Run(ActivationBatch batch)
    {
        var width = _model.Shape.Width;
        var samples = new List<SamplePass>();
        var score = new TargetScore();
        var row = 0;
        for (var n = 0; n < batch.Lengths.Length; n++)
        {
            row += batch.Lengths[n];
            var x = new double[width];
            for (var i = 0; i < width; i++)
            {
                x[i] = batch.Values.Span[((row - 1) * width) + i];
            }

            var traces = _layers.ConvertAll(layer => layer.Forward(ref x));
            var sample = Head(traces, x, batch.Targets[n], out var found);
            samples.Add(sample);
            score += found;
        }

        return new Pass(samples, score);
    }

    private SamplePass Head(List<StandInLayer.Trace> traces, double[] output, int label, out TargetScore score)
    {
        var logits = new double[_spec.Labels];
        for (var k = 0; k < logits.Length; k++)
        {
            for (var i = 0; i < output.Length; i++)
            {
                logits[k] += _head.Value[(k * output.Length) + i] * output[i];
            }
        }

        var largest = logits.Max();
        var sum = logits.Sum(l => Math.Exp(l - largest));
        var gradient = Array.ConvertAll(logits, l => Math.Exp(l - largest) / sum);
        var predicted = Array.IndexOf(logits, largest);
        score = new TargetScore(Math.Log(sum) + largest - logits[label], 1, predicted == label ? 1 : 0);
        gradient[label] -= 1;
        return new SamplePass(traces, output, gradient, predicted);
    }

    private static void Write(string file, IEnumerable<double[]> arrays)
    {
        var temporary = file + ".tmp";
        using (var stream = File.Create(temporary))
        {
            foreach (var array in arrays)
            {
                stream.Write(MemoryMarshal.AsBytes(array.AsSpan()));
            }
        }

        File.Move(temporary, file, overwrite: true);
    }

    private static void Read(string file, IEnumerable<double[]> arrays)
    {
        var bytes = File.Exists(file) ? File.ReadAllBytes(file).AsSpan() : throw new UserErrorException($"{file} is missing.");
        var targets = arrays.ToList();
        if (bytes.Length != targets.Sum(a => a.Length) * sizeof(double))
        {
            throw new UserErrorException($"{file} was written by a stand-in model of other sizes.");
        }

        foreach (var array in targets)
        {
            for (var i = 0; i < array.Length; i++)
            {
                array[i] = BinaryPrimitives.ReadDoubleLittleEndian(bytes[(i * sizeof(double))..]);
            }

            bytes = bytes[(array.Length * sizeof(double))..];
        }
    }

    private sealed record Pass(List<SamplePass> Samples, TargetScore Score)
    {
        public bool IsBackward { get; set; }
    }

    private sealed record SamplePass(List<StandInLayer.Trace> Traces, double[] Output, double[] LogitGradient, int Predicted);
}
