using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>Frozen blocks of the stand-in model.</summary>
internal sealed class StandInFrozenBlocks : IFrozenBlocks
{
    private readonly StandInModel _model;
    private readonly float[] _embedding;
    private readonly List<float[]> _blocks = [];

    public StandInFrozenBlocks(StandInModel model, int blocks)
    {
        _model = model;
        _embedding = model.Embedding();
        Resize(blocks);
    }

    public int Width => _model.Shape.Width;

    public int Blocks => _blocks.Count;

    public long WeightBytes => sizeof(float) * (_embedding.LongLength + _blocks.Sum(b => b.LongLength));

    public void Resize(int blocks)
    {
        while (_blocks.Count < blocks)
        {
            _blocks.Add(_model.Block(_blocks.Count));
        }

        _blocks.RemoveRange(blocks, _blocks.Count - blocks);
    }

    public IDisposable Read(int from, int to) => new Loaded(from, [.. Enumerable.Range(from, to - from).Select(_model.Block)]);

    public void Append(IDisposable blocks)
    {
        var loaded = (Loaded)blocks;
        if (loaded.From != Blocks)
        {
            throw new ArgumentException($"Blocks from {loaded.From} on do not follow the {Blocks} that are held.", nameof(blocks));
        }

        _blocks.AddRange(loaded.Weights);
    }

    public void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output)
    {
        for (var row = 0; row < tokens.Length; row++)
        {
            _embedding.AsSpan(tokens[row] * Width, Width).CopyTo(output[(row * Width)..]);
        }

        Continue(output[..(tokens.Length * Width)], lengths, 0, depth, output);
    }

    public void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output)
    {
        var tokens = 0;
        foreach (var length in lengths)
        {
            tokens += length;
        }

        var x = new double[Width];
        for (var row = 0; row < tokens; row++)
        {
            for (var i = 0; i < Width; i++)
            {
                x[i] = input[(row * Width) + i];
            }

            for (var layer = from; layer < to; layer++)
            {
                // Rounded to single precision after each block, as it would be on the wire: where the blocks are run leaves no trace.
                x = Array.ConvertAll(Residual(_blocks[layer], x), v => (double)(float)v);
            }

            for (var i = 0; i < Width; i++)
            {
                output[(row * Width) + i] = (float)x[i];
            }
        }
    }

    public void Dispose()
    {
    }

    private sealed record Loaded(int From, IReadOnlyList<float[]> Weights) : IDisposable
    {
        public void Dispose()
        {
        }
    }

    private static double[] Residual(float[] weight, double[] x)
    {
        var y = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            var sum = 0.0;
            for (var j = 0; j < x.Length; j++)
            {
                sum += weight[(i * x.Length) + j] * x[j];
            }

            y[i] = x[i] + Math.Tanh(sum);
        }

        return y;
    }
}
