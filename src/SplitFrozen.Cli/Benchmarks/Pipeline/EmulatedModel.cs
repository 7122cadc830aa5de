using System.Diagnostics;

using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Benchmarks.Pipeline;

/// <summary>
/// A model that computes nothing: frozen blocks and trainer stages write zeros, and a stage waits as long as an emulated server would compute. What
/// devices' blocks take, and what stages take where no times are given, is emulated by their nodes' profiles, what links take by the channel.
/// </summary>
/// <param name="server">Seconds of F, B and W of a micro-batch.</param>
/// <param name="shape">Its sizes; null: those of GPT-2 small.</param>
internal sealed class EmulatedModel(ServerTimes server, ModelShape? shape = null) : IModelSource
{
    /// <inheritdoc/>
    public string Name => "emulated model";

    /// <inheritdoc/>
    public ModelShape Shape { get; } = shape ?? new(ModelFamily.Gpt2, 12, 768, 12, 12, 64, 3072, 50257, 1024, true, 4);

    /// <inheritdoc/>
    public string Fingerprint => "emulated";

    /// <inheritdoc/>
    public IFrozenBlocks LoadFrozen(int blocks) => new Frozen(Shape.Width, blocks);

    /// <inheritdoc/>
    public ITrainerStage LoadTrainer(TrainerSpec spec) => new Trainer(spec, Shape, server);

    /// <inheritdoc/>
    public void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors) => Directory.CreateDirectory(folder);

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadAdapter(string folder, TrainerSpec spec) => [];

    /// <inheritdoc/>
    public void SaveOptimizer(string file, IReadOnlyList<TensorData> tensors) => File.WriteAllBytes(file, []);

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadOptimizer(string file) => [];

    private sealed class Frozen(int width, int blocks) : IFrozenBlocks
    {
        public int Width => width;

        public int Blocks { get; private set; } = blocks;

        public long WeightBytes => 0;

        public void Resize(int blocks) => Blocks = blocks;

        public IDisposable Read(int from, int to) => new MemoryStream(to - from) { Position = to - from };

        public void Append(IDisposable blocks) => Blocks += (int)((MemoryStream)blocks).Position;

        public void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output) => output.Clear();

        public void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output) => output.Clear();

        public void Dispose()
        {
        }
    }

    private sealed class Trainer(TrainerSpec spec, ModelShape shape, ServerTimes times) : ITrainerStage
    {
        private long _freeAt;

        public BlockRange Blocks { get; } = spec.StageOf(shape.Layers);

        public bool IsFirst => Blocks.From == spec.Cut;

        public bool IsLast => Blocks.To == shape.Layers;

        public long TrainableParameters => 0;

        public int InFlight { get; private set; }

        public TargetScore Forward(int microBatch, int step, ActivationBatch batch, Span<float> output)
        {
            InFlight++;
            Work(times.Forward);
            return Evaluate(batch, output);
        }

        public void BackwardInput(int microBatch, ReadOnlySpan<float> outputGradient, Span<float> inputGradient)
        {
            inputGradient.Clear();
            Work(times.BackwardInput);
        }

        public void BackwardWeights(int microBatch)
        {
            Work(times.BackwardWeights);
            InFlight--;
        }

        public double[] GradientSquares() => [1];

        public void Step(double learningRate, long targets, double norm)
        {
        }

        public TargetScore Evaluate(ActivationBatch batch, Span<float> output)
        {
            output.Clear();
            return IsLast ? new TargetScore(batch.Lengths.Length, batch.Lengths.Length, 0) : default;
        }

        /// <summary>As many numbers as adapters of c_attn have: A [r, D] and B [3D, r] of each block.</summary>
        public IReadOnlyList<TensorData> AdapterTensors() => [Numbers("adapter", 1)];

        public void SetAdapter(IReadOnlyList<TensorData> tensors)
        {
        }

        /// <summary>Two moments of each.</summary>
        public IReadOnlyList<TensorData> OptimizerTensors() => [Numbers("moments", 2)];

        public void SetOptimizer(IReadOnlyList<TensorData> tensors)
        {
        }

        public void SaveAdapter(string folder) => Directory.CreateDirectory(folder);

        public void LoadAdapter(string folder)
        {
        }

        public void SaveOptimizer(string file) => File.WriteAllBytes(file, []);

        public void LoadOptimizer(string file)
        {
        }

        public void Dispose()
        {
        }

        private TensorData Numbers(string name, int each)
        {
            var count = each * Blocks.Count * spec.Lora.Rank * 4 * shape.Width;
            return new TensorData($"{Blocks.From}.{name}", [count], new byte[count * sizeof(float)]);
        }

        /// <summary>Waits on the trainer's own thread. Operations that follow each other at once are timed from the end of the one before, so that waits which last too long do not add up.</summary>
        private void Work(double seconds)
        {
            var now = Stopwatch.GetTimestamp();
            var slack = Stopwatch.Frequency / 200;
            _freeAt = (now - _freeAt < slack ? _freeAt : now) + (long)(seconds * Stopwatch.Frequency);
            if (_freeAt > now)
            {
                Thread.Sleep(Stopwatch.GetElapsedTime(now, _freeAt));
            }
        }
    }
}

/// <summary>Seconds that an emulated server takes for a micro-batch.</summary>
/// <param name="Forward">F.</param>
/// <param name="BackwardInput">B.</param>
/// <param name="BackwardWeights">W.</param>
internal sealed record ServerTimes(double Forward, double BackwardInput, double BackwardWeights)
{
    /// <summary>Ts.</summary>
    public double Total => Forward + BackwardInput + BackwardWeights;
}

/// <summary>Samples of one length, all with the same label.</summary>
/// <param name="samples">Training rows.</param>
/// <param name="length">Tokens of each.</param>
internal sealed class EmulatedData(int samples, int length) : IDataSource, IDataSet
{
    /// <inheritdoc/>
    public string Name => "emulated data";

    /// <inheritdoc/>
    public TaskKind Task => TaskKind.Classification;

    /// <inheritdoc/>
    public IReadOnlyList<string> Labels => ["label"];

    /// <inheritdoc/>
    public IReadOnlyList<DataSplit> Splits => [DataSplit.Train, DataSplit.Test];

    /// <inheritdoc/>
    public IReadOnlyList<int> TrainLabels { get; } = new int[samples];

    /// <inheritdoc/>
    public int Rows(DataSplit split) => split == DataSplit.Train ? samples : 1;

    /// <inheritdoc/>
    public IReadOnlyList<EncodedSample> Encode(DataSplit split, IReadOnlyList<int> rows) => [.. rows.Select(_ => new EncodedSample(new int[length], [0]))];

    /// <inheritdoc/>
    public IDataSet Open(int maxLength, IReadOnlyList<string> labels) => this;
}
