using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.Faults;

/// <summary>Frozen blocks that say what they are about to run.</summary>
internal sealed class InterceptedFrozen(IFrozenBlocks inner, int loaded, InterceptedModel model) : IFrozenBlocks
{
    public int Width => inner.Width;

    public int Blocks => inner.Blocks;

    public long WeightBytes => inner.WeightBytes;

    public void Resize(int blocks) => inner.Resize(blocks);

    public IDisposable Read(int from, int to)
    {
        using var work = model.Clock?.AtWork();
        return inner.Read(from, to);
    }

    public void Append(IDisposable blocks) => inner.Append(blocks);

    public void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output)
    {
        model.Embedding(loaded, lengths.Length);
        using var work = model.Clock?.AtWork();
        inner.Embed(tokens, lengths, depth, output);
        if (model.SpoilsActivations())
        {
            output[0] = float.NaN;
        }
    }

    public void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output)
    {
        model.Continuing(from, to);
        using var work = model.Clock?.AtWork();
        inner.Continue(input, lengths, from, to, output);
    }

    public void Dispose()
    {
        model.Freezes?.Look(inner);
        inner.Dispose();
    }
}
