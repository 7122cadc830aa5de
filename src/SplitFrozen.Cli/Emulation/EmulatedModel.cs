using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Emulation;

/// <summary>
/// A model that computes nothing: frozen blocks and trainer stages write zeros, and a stage, or blocks that the server runs for a device, wait as long as an emulated server would compute. What
/// devices' blocks take, and what stages take where no times are given, is emulated by their nodes' profiles, what links take by the channel.
/// </summary>
/// <param name="server">Seconds of F, B and W of a micro-batch.</param>
/// <param name="shape">Its sizes; null: those of GPT-2 small.</param>
/// <param name="catchUp">Seconds of the server for a token and a frozen block that a device lacks.</param>
internal sealed class EmulatedModel(ServerTimes server, ModelShape? shape = null, double catchUp = 0) : IModelSource
{
    /// <summary>Sizes of GPT-2 small.</summary>
    public static ModelShape Gpt2Small { get; } = new(ModelFamily.Gpt2, 12, 768, 12, 12, 64, 3072, 50257, 1024, true, 4);

    /// <inheritdoc/>
    public string Name => "emulated model";

    /// <inheritdoc/>
    public ModelShape Shape { get; } = shape ?? Gpt2Small;

    /// <inheritdoc/>
    public string Fingerprint => "emulated";

    /// <inheritdoc/>
    public IFrozenBlocks LoadFrozen(int blocks) => new Frozen(Shape.Width, blocks, catchUp);

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

    private sealed class Frozen(int width, int blocks, double catchUp) : IFrozenBlocks
    {
        private readonly EmulatedTime _time = new();

        public int Width => width;

        public int Blocks { get; private set; } = blocks;

        public long WeightBytes => 0;

        public void Resize(int blocks) => Blocks = blocks;

        public IDisposable Read(int from, int to) => new MemoryStream(to - from) { Position = to - from };

        public void Append(IDisposable blocks) => Blocks += (int)((MemoryStream)blocks).Position;

        public void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output) => output.Clear();

        public void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output)
        {
            output.Clear();
            _time.Spend(catchUp * (to - from) * (output.Length / width));
        }

        public void Dispose()
        {
        }
    }

    private sealed class Trainer(TrainerSpec spec, ModelShape shape, ServerTimes times) : ITrainerStage
    {
        private readonly EmulatedTime _time = new();

        public BlockRange Blocks { get; } = spec.StageOf(shape.Layers);

        public bool IsFirst => Blocks.From == spec.Cut;

        public bool IsLast => Blocks.To == shape.Layers;

        public long TrainableParameters => 0;

        public int InFlight { get; private set; }

        public TargetScore Forward(int microBatch, int step, ActivationBatch batch, Span<float> output)
        {
            InFlight++;
            _time.Spend(times.Forward);
            return Evaluate(batch, output);
        }

        public void BackwardInput(int microBatch, ReadOnlySpan<float> outputGradient, Span<float> inputGradient)
        {
            inputGradient.Clear();
            _time.Spend(times.BackwardInput);
        }

        public void BackwardWeights(int microBatch)
        {
            _time.Spend(times.BackwardWeights);
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
    /// <summary>Tokens of each sample.</summary>
    public int Length => length;

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
