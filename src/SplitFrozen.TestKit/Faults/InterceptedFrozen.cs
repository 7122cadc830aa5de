using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.Faults;

/// <summary>Frozen blocks that say what they are about to run.</summary>
internal sealed class InterceptedFrozen(IFrozenBlocks inner, int loaded, Action<int, int> embedding, Action<int, int> continuing) : IFrozenBlocks
{
    public int Width => inner.Width;

    public int Blocks => inner.Blocks;

    public long WeightBytes => inner.WeightBytes;

    public void Resize(int blocks) => inner.Resize(blocks);

    public IDisposable Read(int from, int to) => inner.Read(from, to);

    public void Append(IDisposable blocks) => inner.Append(blocks);

    public void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output)
    {
        embedding(loaded, lengths.Length);
        inner.Embed(tokens, lengths, depth, output);
    }

    public void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output)
    {
        continuing(from, to);
        inner.Continue(input, lengths, from, to, output);
    }

    public void Dispose() => inner.Dispose();
}
