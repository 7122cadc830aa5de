using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model;

/// <summary>
/// Embeddings and blocks [0, n) on one compute device. Runs in inference mode: no graph is built and nothing is kept. Batches are filled up to a
/// multiple of <see cref="RowBlock"/> rows with a made-up sample, so that a sample's values do not depend on what else is in its batch.
/// </summary>
internal sealed class FrozenBlocks : IFrozenBlocks
{
    /// <summary>
    /// Rows a batch is a multiple of. Matrix products of few rows take other kernels (MKL on AVX2: below 4 rows on one thread, below 12 on two), and
    /// element-wise functions round otherwise in the last elements that do not fill two vectors of 8; at a multiple of 16 rows neither happens.
    /// </summary>
    internal const int RowBlock = 16;

    private readonly Architecture _architecture;
    private readonly WeightStore _weights;
    private readonly Device _device;
    private readonly ModelShape _shape;
    private readonly string _modelName;
    private readonly Embeddings _embeddings;
    private readonly List<Block> _blocks = [];
    private readonly ExpansionBuffer? _buffer;

    /// <summary>Loads the embeddings and the first blocks.</summary>
    public FrozenBlocks(Architecture architecture, WeightStore weights, int blocks, string modelName, Device device, WeightHolding holding = WeightHolding.Expanded)
    {
        _architecture = architecture;
        _buffer = holding == WeightHolding.AsStored ? new ExpansionBuffer() : null;
        _weights = _buffer is null ? weights : weights.AsStored(_buffer);
        _device = device;
        _shape = architecture.Shape(weights.BytesPerParameter);
        _modelName = modelName;
        CheckCount(blocks);
        _embeddings = architecture.LoadEmbeddings(_weights);
        Resize(blocks);
    }

    /// <inheritdoc/>
    public int Width => _shape.Width;

    /// <inheritdoc/>
    public int Blocks => _blocks.Count;

    /// <inheritdoc/>
    public long WeightBytes => _embeddings.WeightBytes() + _blocks.Sum(block => block.WeightBytes()) + (_buffer?.Bytes ?? 0);

    /// <inheritdoc/>
    public void Resize(int blocks)
    {
        CheckCount(blocks);
        while (_blocks.Count < blocks)
        {
            _blocks.Add(_architecture.LoadBlock(_weights, _blocks.Count));
        }

        while (_blocks.Count > blocks)
        {
            _blocks[^1].Dispose();
            _blocks.RemoveAt(_blocks.Count - 1);
        }

        if (blocks == 0)
        {
            _buffer?.Dispose();
        }
    }

    /// <inheritdoc/>
    public IDisposable Read(int from, int to)
    {
        // Stored matrices share one buffer, which the first block makes as large as any block needs it; only the owner may change it.
        CheckRange(Math.Min(1, from), from);
        CheckCount(to);
        var loaded = new LoadedBlocks(from);
        try
        {
            for (int i = from; i < to; i++)
            {
                loaded.Blocks.Add(_architecture.LoadBlock(_weights, i));
            }

            return loaded;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Append(IDisposable blocks)
    {
        var loaded = (LoadedBlocks)blocks;
        if (loaded.From != Blocks)
        {
            throw new ArgumentException($"Blocks from {loaded.From} on do not follow the {Blocks} that are held.", nameof(blocks));
        }

        _blocks.AddRange(loaded.Blocks);
        loaded.Blocks.Clear();
    }

    /// <inheritdoc/>
    public void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output)
    {
        CheckRange(0, depth);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var layout = new RaggedLayout(lengths, _shape.Context, _device);
        CheckSize(tokens.Length, layout.Rows, nameof(tokens));
        CheckSize(output.Length, (long)layout.Rows * Width, nameof(output));
        CheckTokens(tokens);
        var ids = TensorMemory.Upload(tokens, _device);
        var filled = Fill(layout, lengths);
        var rows = _embeddings.Forward(filled.Rows == layout.Rows ? ids : nn.functional.pad(ids, [0, filled.Rows - layout.Rows]), filled);
        Download(Run(rows, filled, 0, depth), layout, output);
    }

    /// <inheritdoc/>
    public void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output)
    {
        CheckRange(from, to);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var layout = new RaggedLayout(lengths, _shape.Context, _device);
        CheckSize(input.Length, (long)layout.Rows * Width, nameof(input));
        CheckSize(output.Length, (long)layout.Rows * Width, nameof(output));
        var rows = TensorMemory.Upload(input, [layout.Rows, Width], _device);
        var filled = Fill(layout, lengths);
        rows = filled.Rows == layout.Rows ? rows : nn.functional.pad(rows, [0, 0, 0, filled.Rows - layout.Rows]);
        Download(Run(rows, filled, from, to), layout, output);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Resize(0);
        _embeddings.Dispose();
    }

    /// <summary>The layout with a made-up sample at its end, or itself where it fills whole blocks of rows. Models of a shorter context get several.</summary>
    private RaggedLayout Fill(RaggedLayout layout, ReadOnlySpan<int> lengths)
    {
        int missing = (RowBlock - (layout.Rows % RowBlock)) % RowBlock;
        if (missing == 0)
        {
            return layout;
        }

        List<int> filled = [.. lengths];
        for (; missing > 0; missing -= filled[^1])
        {
            filled.Add(Math.Min(missing, _shape.Context));
        }

        return new RaggedLayout(filled.ToArray(), _shape.Context, _device);
    }

    private static void Download(Tensor rows, RaggedLayout layout, Span<float> output) =>
        TensorMemory.Download(rows.shape[0] == layout.Rows ? rows : rows.narrow(0, 0, layout.Rows), output);

    private Tensor Run(Tensor rows, RaggedLayout layout, int from, int to)
    {
        var pass = _architecture.Begin(layout, _device);
        for (int i = from; i < to; i++)
        {
            using var scope = NewDisposeScope();
            var next = _blocks[i].Forward(rows, pass).MoveToOuterDisposeScope();
            rows.Dispose();
            rows = next;
        }

        return rows;
    }

    private void CheckCount(int blocks)
    {
        if (blocks < 0 || blocks > _shape.Layers)
        {
            throw new ArgumentOutOfRangeException(nameof(blocks), blocks, $"The model has {_shape.Layers} blocks.");
        }
    }

    private void CheckRange(int from, int to)
    {
        if (from < 0 || to < from || to > Blocks)
        {
            throw new ArgumentOutOfRangeException(nameof(to), to, $"Blocks {from} to {to} were asked for; blocks 0 to {Blocks} are held.");
        }
    }

    private static void CheckSize(long found, long wanted, string argument)
    {
        if (found != wanted)
        {
            throw new ArgumentException($"{found} numbers were given where the lengths call for {wanted}.", argument);
        }
    }

    private void CheckTokens(ReadOnlySpan<int> tokens)
    {
        int wrong = tokens.IndexOfAnyExceptInRange(0, _shape.Vocabulary - 1);
        if (wrong >= 0)
        {
            throw new UserErrorException(
                $"Token id {tokens[wrong]} is outside the vocabulary of {_shape.Vocabulary} of the model in '{_modelName}'. The tokenizer files do not belong to this model; use those that came with it.");
        }
    }

    /// <summary>Blocks that are read and not yet in place.</summary>
    private sealed class LoadedBlocks(int from) : IDisposable
    {
        public int From => from;

        public List<Block> Blocks { get; } = [];

        public void Dispose()
        {
            Blocks.ForEach(block => block.Dispose());
            Blocks.Clear();
        }
    }
}
